"""Every metric of the exporter, declared once, with its unit, its labels and a sentence."""

from datetime import datetime

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram

from schemas.fields import FailureClass
from services.exporter.rules.export import ExportState
from services.pipeline import tracing

FAILED_ANSWERS = frozenset({"refused", "transient", "unknown"})
"""The kinds of answers without a document, as the label `outcome` of a call has them."""

LATENCY_BUCKETS_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600)
CALL_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

EXPORT_LATENCY_SECONDS = Histogram(
    "erp_export_latency_seconds",
    "From an approver's acceptance to the outcome of the export.",
    ("connection", "outcome"),
    buckets=LATENCY_BUCKETS_SECONDS,
)
FAILURES = Counter(
    "erp_export_failures_total",
    "Exports that failed, by class: fix_data and wait_for_dependency are answers of the ERP about the commitment, "
    "retry_later and fix_setup mean that we could not export it.",
    ("connection", "failure_class"),
)
EXPORT_SECONDS = Histogram(
    "erp_export_seconds",
    "Duration of one call to the ERP, including probes.",
    ("connection", "outcome"),
    buckets=CALL_BUCKETS_SECONDS,
)
EXPORT_START_SECONDS = Histogram(
    "erp_export_start_seconds",
    "From an approver's acceptance to the first call to the ERP.",
    ("connection",),
    buckets=CALL_BUCKETS_SECONDS,
)
EXPORTS = Gauge("erp_exports", "Exports that have not succeeded, by state.", ("connection", "state"))
EXPORTS_OLDEST_AGE_SECONDS = Gauge(
    "erp_exports_oldest_age_seconds",
    "Age of the oldest export that has not succeeded: since its acceptance, or since it failed.",
    ("connection", "state"),
)
COMPARISONS = Counter(
    "erp_comparisons_total",
    "Documents in the ERP that were compared with what was exported: same, differs, missing, or unread.",
    ("connection", "outcome"),
)
DRIFTED = Gauge(
    "erp_documents_drifted",
    "Documents that differ from what was exported, or are missing in the ERP, and that nobody has left so.",
    ("connection",),
)
CONNECTIONS_RELOADED = Counter(
    "erp_connections_reloaded_total",
    "How often the file of ERP connections was read again: reloaded, or failed, so that the old ones stay.",
    ("outcome",),
)
for _outcome in ("reloaded", "failed"):
    CONNECTIONS_RELOADED.labels(_outcome)  # so that the first failure is an increase
CONNECTIONS_OUTDATED = Gauge(
    "erp_connections_outdated",
    "1 from when the file of ERP connections could not be read again until it could: the old ones are used.",
)
COMPARISON_OUTCOMES = ("same", "differs", "missing", "unread")
CERTIFICATE_EXPIRY = Gauge(
    "erp_certificate_expiry_timestamp_seconds",
    "Until when certificates are valid: the one that the ERP last showed (server), our own (client), the last CA (ca).",
    ("connection", "certificate"),
)
TOKEN_EXPIRY = Gauge(
    "erp_token_expiry_timestamp_seconds",
    "Until when the token of a connection is valid, where it is a JSON Web Token that says so.",
    ("connection",),
)
LATE_DOCUMENTS = Counter(
    "erp_late_documents_total",
    "Second documents that the ERP stored late, after a lost answer and a repeated write; somebody has to remove one.",
    ("connection",),
)
POLL_AGE_SECONDS = Gauge(
    "erp_poll_age_seconds", "How long ago the client of a polled ERP last asked for work.", ("connection",)
)
POLLER_AWAY = Gauge(
    "erp_poller_away", "1 while the client of a polled ERP has missed two polls or more.", ("connection",)
)
CONVERSATION_OUTCOMES = ("begun", "nothing_to_do", "busy", "silent")
CONVERSATIONS = Counter(
    "erp_conversations_total",
    "Polls by the client of a polled ERP: begun, nothing_to_do, busy; and conversations that it never ended: silent.",
    ("connection", "outcome"),
)
CIRCUIT_OPEN = Gauge("erp_circuit_open", "1 while calls to the ERP are suspended.", ("connection",))


def begin_series(connection: str) -> None:
    """Begin the series of what is counted of a connection: Prometheus sees no increase in one that begins at 1."""
    for state in (ExportState.SUCCEEDED, ExportState.FAILED):
        EXPORT_LATENCY_SECONDS.labels(connection, state.value)
    for failure_class in FailureClass:
        FAILURES.labels(connection, failure_class.value)
    for outcome in COMPARISON_OUTCOMES:
        COMPARISONS.labels(connection, outcome)
    LATE_DOCUMENTS.labels(connection)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from `earlier` to `later`, 0 where clocks of different machines put them the other way."""
    return max((later - earlier).total_seconds(), 0.0)


class CallWatch:
    """Notes in the metrics and in the trace when exports begin, and what their calls come to."""

    def began(self, connection: str, seconds: float) -> None:
        """Note the first call of an export."""
        EXPORT_START_SECONDS.labels(connection).observe(seconds)

    def answered(self, connection: str, answer: str, seconds: float, traceparent: str | None) -> None:
        """Note a call that has just ended, and its kind of answer, in the trace of the export's `traceparent`."""
        EXPORT_SECONDS.labels(connection, answer).observe(seconds, tracing.exemplar(traceparent))
        attributes = {"countersign.connection": connection, "countersign.answer": answer}
        failed = answer if answer in FAILED_ANSWERS else None
        tracing.record("call ERP", traceparent, attributes, seconds, kind=SpanKind.CLIENT, failed=failed)


CALL_WATCH = CallWatch()
