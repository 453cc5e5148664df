"""How patient the exporter is in the export storm, and for how long it has to stand still to lose its leases."""

TIMEOUT_SECONDS = 1.5
SETTLE_SECONDS = 3.0
LEASE_SECONDS = 3 * TIMEOUT_SECONDS + 5
PATIENCE = {
    "timeout_seconds": TIMEOUT_SECONDS,
    "settle_seconds": SETTLE_SECONDS,
    "first_probe_seconds": 0.3,
    "first_retry_seconds": 0.3,
    "max_missed_calls": 20,
    "pause_seconds": 1.0,
    "max_in_flight": 60,
}
"""Many calls at a time, so that the leases of those who died do not hold up who comes after them."""
