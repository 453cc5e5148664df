"""Every metric of the notifier, declared once."""

from prometheus_client import Counter, Gauge, Histogram

MAILS = Counter(
    "mails_total",
    "Mails by what became of them: sent, failed and expired are ends; deferred is an attempt put off, and repeated an "
    "attempt that may bring the person a second copy.",
    ("kind", "outcome"),
)
MAIL_SEND_SECONDS = Histogram(
    "mail_send_seconds",
    "One conversation with the mail server about one mail, a new connection included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
MAIL_OLDEST_AGE_SECONDS = Gauge("mail_oldest_age_seconds", "Age of the oldest mail that has not reached its end.")
