"""Rehearses a backup, the loss of the database and its restore, so that nobody does it for the first time at night."""

from sandbox.drill.restoring import rehearse

__all__ = ["rehearse"]
