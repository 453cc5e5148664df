"""What may wait, and whose move it is: the lines of the table *What waits, and who acts*."""

from dataclasses import dataclass

from ops.grafana.promql import CONNECTION

NOW, TODAY, LATER = "1 now", "2 today", "3 in its time"
"""How soon somebody has to act; the table is sorted by it."""

_OPEN = f"on (connection) max by (connection) (erp_circuit_open{{{CONNECTION}}}) == 1"
_AWAY = f"on (connection) max by (connection) (erp_poller_away{{{CONNECTION}}}) == 1"
_OWES = "pending|in_flight"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of the table, with PromQL for how many and how old, by the label `where` if it has one."""

    urgency: str
    what: str
    who: str
    count: str
    oldest: str = ""
    where: str = ""


def _exports(urgency: str, what: str, who: str, states: str, condition: str = "") -> Waiting:
    chosen = f'{{{CONNECTION}, state=~"{states}"}}'
    count = f"sum by (connection) (max by (connection, state) (erp_exports{chosen})) {condition}"
    oldest = f"max by (connection) (erp_exports_oldest_age_seconds{chosen}) {condition}"
    return Waiting(urgency, what, who, count.strip(), oldest.strip(), "connection")


def _of_service(urgency: str, what: str, who: str, count: str, oldest: str = "") -> Waiting:
    return Waiting(urgency, what, who, count, oldest, "service")


_ERP, _OFFICE, _APPROVER = "whoever runs the ERP", "the office, at the ERP's computer", "an approver"
_UNSENT = "max by (service) (outbox_oldest_age_seconds) > 60"
_UNREADY = '1 + 0 * sum by (service) (up{job="countersign"}) unless on (service) sum by (service) (service_ready) > 0'

LINES = (
    _of_service(NOW, "No process is ready", "you: see the service's log", _UNREADY),
    _exports(NOW, "Exports held back: the ERP does not answer", _ERP, _OWES, f"and {_OPEN}"),
    _exports(NOW, "Exports held back: the ERP's client is away", _OFFICE, _OWES, f"and {_AWAY}"),
    _exports(NOW, "Exports in doubt: the ERP cannot be asked", _ERP, "in_doubt", f"and {_OPEN}"),
    _of_service(NOW, "Events that Kafka has not taken for a minute", "whoever runs Kafka",
                f"max by (service) (outbox_rows) and on (service) {_UNSENT}", _UNSENT),
    _of_service(NOW, "Events that Kafka refused", "you: countersign outbox list",
                'max by (service) (outbox_parked{state="refused"})'),
    _of_service(NOW, "Work that was set aside", "you: see its log", "max by (service) (work_set_aside)"),
    _of_service(NOW, "Rows that cannot be read", "you: see its log",
                "max by (service) (rows_unreadable)"),
    _of_service(NOW, "Partitions whose offset is out of range", "you decide",
                "sum by (service) (pipeline_offsets_out_of_range)"),
    Waiting(NOW, "Mails older than 15 minutes", "whoever runs the mail server",
            "count(max(mail_oldest_age_seconds) > 900)", "max(mail_oldest_age_seconds) > 900"),
    _of_service(TODAY, "Dead letters", "you: countersign dead-letters list",
                "sum by (service) (max by (service, reason) (dead_letters))"),
    _exports(TODAY, "Failed exports", _APPROVER, "failed"),
    _exports(TODAY, "Exports in doubt: the ERP is being asked", _APPROVER, "in_doubt", f"unless {_OPEN}"),
    Waiting(TODAY, "Documents that differ in the ERP", _APPROVER,
            f"max by (connection) (erp_documents_drifted{{{CONNECTION}}})", "", "connection"),
    Waiting(LATER, "Commitments to answer", _APPROVER, "max(approval_waiting)", "max(approval_oldest_waiting_seconds)"),
    _exports(LATER, "Exports under way", "nobody: Countersign works", _OWES, f"unless {_OPEN} unless {_AWAY}"),
)  # fmt: skip


def _said(line: Waiting, expr: str) -> str:
    """The series of `expr` that are above 0, with the words of `line` as labels."""
    said = f'label_replace(({expr}) > 0, "where", "$1", "{line.where}", "(.*)")' if line.where else f"({expr}) > 0"
    for name, text in (("urgency", line.urgency), ("what", line.what), ("who", line.who)):
        said = f'label_replace({said}, "{name}", "{text}", "", "")'
    return said


def _all(said: list[str]) -> str:
    return "sum by (urgency, what, where, who) (\n  " + "\n  or ".join(said) + "\n)"


COUNTS = _all([_said(line, line.count) for line in LINES])
OLDEST = _all([_said(line, line.oldest) for line in LINES if line.oldest])
