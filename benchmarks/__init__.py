"""Measures Countersign beside peers that do the same work, in one run on one machine."""
