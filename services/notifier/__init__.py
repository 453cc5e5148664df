"""Sends people mails about their commitments: one to each person for each event."""
