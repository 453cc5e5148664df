"""Compares Countersign with a simpler implementation of the same work, in one run on one machine."""
