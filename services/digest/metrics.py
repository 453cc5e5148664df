"""The digest's own metrics."""

from prometheus_client import Counter, Gauge

LAST_SUCCESS = Gauge(
    "digest_last_success_timestamp_seconds",
    "When the schedule last made every summary that was due.",
)
FAILED_ATTEMPTS = Counter(
    "digest_failed_attempts_total", "Attempts to store a batch of messages that failed and are repeated."
)
UNREADABLE_KINDS = ("person", "commitment")
UNREADABLE_ROWS = Counter(
    "digest_unreadable_rows_total",
    "People and commitments that summaries leave out because their rows cannot be read; each once per process.",
    ["kind"],
)
for _kind in UNREADABLE_KINDS:
    UNREADABLE_ROWS.labels(_kind)  # so that the first one is an increase
SUMMARIES = Counter("digest_summaries_total", "Daily summaries handed to the notifier.")
