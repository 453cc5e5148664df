"""Tells people by mail, once per person and occasion."""
