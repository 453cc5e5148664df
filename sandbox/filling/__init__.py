"""Fills the views of the demo's desk with examples, as real ones get there: by events, answers and ERP faults."""

from sandbox.filling.filler import fill

__all__ = ["fill"]
