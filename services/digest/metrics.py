"""The digest's own metrics."""

from prometheus_client import Counter, Gauge

LAST_SUCCESS = Gauge(
    "digest_last_success_timestamp_seconds",
    "When the schedule last made every summary that was due.",
)
FAILED_ATTEMPTS = Counter(
    "digest_failed_attempts_total", "Attempts to store a batch of messages that failed and are repeated."
)
SUMMARIES = Counter("digest_summaries_total", "Daily summaries handed to the notifier.")
