"""The first row: is something wrong now, what waits, and who acts."""

from collections.abc import Sequence

from ops.grafana.panels import GREEN, RED, YELLOW, Link, Panel, Query, Words, desk, number, page, rows
from ops.grafana.promql import CONNECTION, SERVICE, exports, or_zero
from ops.grafana.rows.waiting import COUNTS, OLDEST

RUNBOOK = Link("What it means, and the steps", "${docs}/runbook.md#${__data.fields.Alert}")


def panels() -> Sequence[Panel]:
    """The panels from left to right, line by line."""
    return [*_people(), *_erp(), _who_acts(), _firing(), _ready()]


def _people() -> Sequence[Panel]:
    return [
        number(
            "Waiting for an approver",
            Query(or_zero("max(approval_waiting)", "approval")),
            words=Words(
                shows="Commitments that were sent and that nobody has answered.",
                normal="it falls during the day. How many may wait is for the company to decide.",
                act="nobody is woken for it: approvers get a summary each day, and the link lists what waits.",
            ),
            links=[desk("What waits, on the desk", "ready")],
        ),
        number(
            "Oldest waiting",
            Query(or_zero("max(approval_oldest_waiting_seconds)", "approval")),
            unit="s",
            words=Words(
                shows="How long the oldest of them has waited.",
                normal="at most as long as your approvers usually take, weekends included.",
                act="remind an approver. If nobody can sign in, look at the provider and at the logs of approval.",
            ),
            links=[desk("What waits, on the desk", "ready")],
        ),
        number(
            "Failed exports",
            Query(or_zero(exports("failed", ""), "exporter")),
            colours=[(1, YELLOW)],
            words=Words(
                shows="Accepted commitments that the ERP refused, or that could not be sent. Each has an owner.",
                normal="0, or some that are being worked on.",
                act="an approver retries or rejects. Each says who has to mend what; nothing is lost.",
            ),
            links=[desk("Failed to Export, on the desk", "failed")],
        ),
    ]


def _erp() -> Sequence[Panel]:
    return [
        number(
            "In doubt",
            Query(or_zero(exports("in_doubt", ""), "exporter")),
            colours=[(1, YELLOW)],
            words=Words(
                shows="Exports whose answer was lost. The ERP is asked again and again whether the document is there.",
                normal="0; some for a minute when a call breaks off.",
                act="nothing for some minutes. Then an approver looks into the ERP and settles it with evidence.",
            ),
            links=[desk("In doubt, on the desk", "exporting")],
        ),
        number(
            "Accepted, not in the ERP yet",
            Query(or_zero(exports("pending|in_flight", ""), "exporter")),
            colours=[(1, YELLOW)],
            words=Words(
                shows="Exports that wait for their turn or are being written.",
                normal="0 to some dozens, each for seconds.",
                act="look at the circuit beside it: open means that the ERP is away, and they wait for it.",
            ),
            links=[desk("Exporting, on the desk", "exporting")],
        ),
        number(
            "Circuit",
            Query(f"max by (connection) (erp_circuit_open{{{CONNECTION}}})", "{{connection}}"),
            texts=[("0", "closed", GREEN), ("1", "OPEN: the ERP is away", RED)],
            words=Words(
                shows="Whether calls to each ERP are suspended, since several in a row had no answer.",
                normal="closed.",
                act="call whoever runs that ERP. At most five minutes after it is back, a trial succeeds.",
            ),
            links=[page("An ERP that is down", "operations.md#an-erp-that-is-down")],
        ),
    ]


def _who_acts() -> Panel:
    return rows(
        "What waits, and who acts",
        Query(COUNTS),
        Query(OLDEST),
        columns=[
            ("urgency", "When"),
            ("what", "What"),
            ("where", "Where"),
            ("who", "Who acts"),
            ("Value #A", "Count"),
            ("Value #B", "Oldest"),
        ],
        units=[("Oldest", "s")],
        width=14,
        words=Words(
            shows="Everything that somebody or something has to finish, where it is, and whose move it is.",
            normal="commitments that wait for an approver, and nothing that waits for you.",
            act="whoever the line names acts. Lines with `countersign` name the command that lists the details.",
        ),
    )


def _firing() -> Panel:
    placed = 'label_join(ALERTS{alertstate="firing"}, "where", " ", "connection", "service")'
    alerts = f"max by (severity, owner, alertname, where) ({placed})"
    return rows(
        "Alerts that fire",
        Query(alerts),
        columns=[
            ("severity", "Severity"),
            ("alertname", "Alert"),
            ("where", "Where"),
            ("owner", "Who acts"),
        ],
        links=[("Alert", RUNBOOK)],
        width=6,
        words=Words(
            shows="The alerts that Prometheus sends now, and the owner of each.",
            normal="none.",
            act="follow the link of the alert: it says what it means and what to do.",
        ),
    )


def _ready() -> Panel:
    answering = f"sum by (service) (service_ready{{{SERVICE}}})"
    scraped = f'0 * sum by (service) (up{{job="countersign", {SERVICE}}})'
    return number(
        "Ready processes",
        Query(f"{answering} or {scraped}", "{{service}}"),
        width=4,
        height=8,
        colours=[(1, GREEN)],
        below=RED,
        words=Words(
            shows="How many processes of each service are ready, by their own account.",
            normal="as many as you run.",
            act="if a service has none, look at its log. Nothing is lost: events, exports and mails wait for it.",
        ),
        links=[page("Health", "operations.md#health")],
    )
