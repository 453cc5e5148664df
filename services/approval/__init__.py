"""The approval service: keeps the status of every commitment, and serves the approvers' desk and API."""
