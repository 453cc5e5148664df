"""Approval decides: it keeps where every commitment stands, and serves the desk and the API of the approvers."""
