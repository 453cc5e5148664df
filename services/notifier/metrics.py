"""All metrics of the notifier."""

from prometheus_client import Counter, Gauge, Histogram

from services.notifier.rules.mails import MAIL_TYPES

MAIL_OUTCOMES = ("sent", "failed", "expired", "deferred", "blocked", "repeated")
MAILS = Counter(
    "mails_total",
    "Mails by outcome, a mail about several commitments once: sent, failed and expired are final; deferred and blocked "
    "count attempts that are tried again later, blocked those where the mail server refuses us instead of the mail; "
    "repeated counts attempts that may deliver a second copy.",
    ("kind", "outcome"),
)
for _type in MAIL_TYPES:
    for _outcome in MAIL_OUTCOMES:
        MAILS.labels(_type.kind, _outcome)  # so that the first failure is an increase
MAIL_SEND_SECONDS = Histogram(
    "mail_send_seconds",
    "Time to hand one mail to the mail server, including a new connection where one is needed.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
MAIL_OLDEST_AGE_SECONDS = Gauge(
    "mail_oldest_age_seconds", "Age of the oldest mail that is neither sent, failed nor expired."
)
