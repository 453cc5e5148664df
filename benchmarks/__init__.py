"""Compares Countersign with other ways to write the same consumer, side by side on one machine."""
