"""Builds a summary of what waits for every accounting approver, each morning in their own time zone."""
