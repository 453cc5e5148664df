"""The digest's own metrics."""

from prometheus_client import Counter, Gauge

LAST_SUCCESS = Gauge(
    "digest_last_success_timestamp_seconds",
    "When the schedule last made every summary that was due.",
)
SUMMARIES = Counter("digest_summaries_total", "Daily summaries handed to the notifier.")
