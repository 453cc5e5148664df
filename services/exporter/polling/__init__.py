"""Conversations with the clients of ERPs that cannot be called: they ask for work, and bring the answers."""
