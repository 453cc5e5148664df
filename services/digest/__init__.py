"""Sends every accounting approver a summary of what waits, each morning in their own time zone."""
