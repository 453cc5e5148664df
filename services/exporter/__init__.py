"""Writes every accepted revision to its ERP exactly once, or keeps it as an open item that somebody can see."""
