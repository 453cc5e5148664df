"""Tells every accounting approver once a day what waits, in the morning of their own time zone."""
