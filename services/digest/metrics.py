"""The digest's own metrics, each declared once."""

from prometheus_client import Counter, Gauge

LAST_SUCCESS = Gauge(
    "digest_last_success_timestamp_seconds",
    "When everybody whose daily summary was due last had been looked at, and those concerned had theirs.",
)
SUMMARIES = Counter("digest_summaries_total", "Daily summaries handed to the notifier.")
