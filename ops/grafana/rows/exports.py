"""Exports: how long acceptance to answer takes, how the calls go, and what stands between us and each ERP."""

from collections.abc import Sequence

from ops.grafana.panels import Panel, Query, Words, desk, heat, lines, page
from ops.grafana.promql import CONNECTION, buckets, exports, exports_age, or_zero, quantile, rate

_IN_DOUBT_SECONDS = 300
_START_SECONDS = 1
_NONE = or_zero(exports("pending|in_flight|in_doubt|failed", "connection, state"), "exporter")
_UNFINISHED = f'label_replace({_NONE}, "state", "none", "state", "")'
_IN_DOUBT = page("An export in doubt", "operations.md#an-export-in-doubt")
_DOWN = page("An ERP that is down", "operations.md#an-erp-that-is-down")


def panels() -> Sequence[Panel]:
    """The panels from left to right, line by line."""
    return [*_latency(), *_outcomes(), *_unfinished(), *_calls(), *_polls(), *_documents()]


def _latency() -> Sequence[Panel]:
    histogram = "erp_export_latency_seconds"
    return [
        heat(
            "Export latency: from acceptance to the ERP's answer",
            buckets(histogram, CONNECTION),
            words=Words(
                shows="How many exports ended in each span of time, failed ones included. Darker is more.",
                normal="one dark band that stays where it is, at what your ERP takes for two calls.",
                act="a band that rises is an ERP that slows down; one high up is what waited for an outage.",
            ),
        ),
        lines(
            "Export latency p50, p95, p99",
            *(
                Query(quantile(share, histogram, CONNECTION, "connection"), f"{{{{connection}}}} {name}")
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            unit="s",
            width=12,
            is_log=True,
            words=Words(
                shows="Half, 95 and 99 of 100 exports took at most this long. Gaps: nothing ended.",
                normal="p99 below what your users accept, usually a few seconds.",
                act="compare with the duration of calls: if that is as before, too few processes run.",
            ),
        ),
    ]


def _outcomes() -> Sequence[Panel]:
    count = "erp_export_latency_seconds_count"
    failed = rate(count, f'{CONNECTION}, outcome!="succeeded"', "connection")
    return [
        lines(
            "Exports that ended",
            Query(rate(count, CONNECTION, "connection", "outcome"), "{{connection}} {{outcome}}"),
            unit="cps",
            is_stacked=True,
            words=Words(
                shows="Exports that ended in a second, by outcome.",
                normal="as many as were accepted, almost all succeeded.",
                act="0 while exports wait: look at the circuit and at Ready processes.",
            ),
        ),
        lines(
            "Exports that did not succeed",
            Query(f"{failed} / {rate(count, CONNECTION, 'connection')}", "{{connection}}"),
            unit="percentunit",
            limit=0.05,
            words=Words(
                shows="The share of exports that ended failed or in doubt.",
                normal="below 5 %; single ones are wrong data, which the project mends.",
                act="open Failed to Export on the desk: one cause for many is a setting or a closed period.",
            ),
            links=[desk("Failed to Export, on the desk", "failed")],
        ),
        lines(
            "From acceptance to the first call, p99",
            Query(quantile(0.99, "erp_export_start_seconds", CONNECTION, "connection"), "{{connection}}"),
            unit="s",
            limit=_START_SECONDS,
            words=Words(
                shows="How long 99 of 100 exports wait before the ERP is called.",
                normal="below a second.",
                act="start another exporter, or see whether the circuit was open or max_in_flight is reached.",
            ),
            links=[_DOWN],
        ),
    ]


def _unfinished() -> Sequence[Panel]:
    circuit = f"max by (connection) (erp_circuit_open{{{CONNECTION}}})"
    return [
        lines(
            "Unfinished exports",
            Query(_UNFINISHED, "{{connection}} {{state}}"),
            is_stacked=True,
            words=Words(
                shows="Exports that are not in the ERP, by state.",
                normal="close to 0, with short peaks after many were accepted at once.",
                act="pending that grows: the ERP is away or slow. failed that grows: an approver acts.",
            ),
            links=[desk("Exporting, on the desk", "exporting")],
        ),
        lines(
            "Oldest unfinished export",
            Query(exports_age("pending|in_flight"), "{{connection}} waits"),
            Query(exports_age("in_doubt"), "{{connection}} in doubt"),
            unit="s",
            limit=_IN_DOUBT_SECONDS,
            words=Words(
                shows="How long ago the oldest export was accepted that has no outcome.",
                normal="seconds. An outage of the ERP shows as a line that rises.",
                act="while the circuit is open, call whoever runs the ERP. If it is closed, see An export in doubt.",
            ),
            links=[_IN_DOUBT, _DOWN],
        ),
        lines(
            "Circuit open, client away",
            Query(circuit, "{{connection}} circuit open"),
            Query(f"max by (connection) (erp_poller_away{{{CONNECTION}}})", "{{connection}} client away"),
            words=Words(
                shows="1 while calls to an ERP are suspended, or while the client of a polled ERP stays away.",
                normal="0.",
                act="call whoever runs the ERP, or the office of a polled one. Trials are five minutes apart at most.",
            ),
            links=[_DOWN, page("The client stays away", "runbook.md#pollederpclientaway")],
        ),
    ]


def _calls() -> Sequence[Panel]:
    histogram = "erp_export_seconds"
    return [
        lines(
            "Calls to the ERP, by answer",
            Query(rate(f"{histogram}_count", CONNECTION, "connection", "outcome"), "{{connection}} {{outcome}}"),
            unit="cps",
            is_stacked=True,
            words=Words(
                shows="Calls in a second, reads included, by the kind of answer.",
                normal="found, not found and done; transient and unknown ones are rare.",
                act="transient or unknown ones that stay are an ERP or a network in trouble: its log says why.",
            ),
        ),
        lines(
            "Duration of calls, p50 and p99",
            *(
                Query(quantile(share, histogram, CONNECTION, "connection"), f"{{{{connection}}}} {name}")
                for share, name in ((0.5, "p50"), (0.99, "p99"))
            ),
            unit="s",
            is_log=True,
            words=Words(
                shows="How long one call to the ERP takes.",
                normal="well below the connection's timeout_seconds (30 if not set).",
                act="near it, calls break off and leave doubts: make the ERP faster or raise timeout_seconds.",
            ),
        ),
    ]


def _polls() -> Sequence[Panel]:
    conversations = (
        f"sum by (connection, outcome) (increase(erp_conversations_total{{{CONNECTION}}}[$__rate_interval]))"
    )
    return [
        lines(
            "Clients of polled ERPs",
            Query(f"min by (connection) (erp_poll_age_seconds{{{CONNECTION}}})", "{{connection}} last asked"),
            unit="s",
            words=Words(
                shows="How long ago the client of a polled ERP last asked for work. No line: nothing is polled.",
                normal="below two polls.",
                act="see that its computer is on and the Web Connector runs.",
            ),
            links=[page("The client stays away", "runbook.md#pollederpclientaway")],
        ),
        lines(
            "Polls and conversations",
            Query(conversations, "{{connection}} {{outcome}}"),
            words=Words(
                shows="What the polls of an ERP's client came to.",
                normal="nothing_to_do, and begun while something waits.",
                act="silent that rises with begun is a client that breaks off; busy is a second computer that polls.",
            ),
            links=[page("Conversations break off", "runbook.md#pollederpconversationssilent")],
        ),
    ]


def _documents() -> Sequence[Panel]:
    compared = f"sum by (connection, outcome) (increase(erp_comparisons_total{{{CONNECTION}}}[1h]))"
    late = f"sum by (connection) (increase(erp_late_documents_total{{{CONNECTION}}}[1d]))"
    return [
        lines(
            "Documents compared with what was exported, in an hour",
            Query(compared, "{{connection}} {{outcome}}"),
            Query(f"max by (connection) (erp_documents_drifted{{{CONNECTION}}})", "{{connection}} differ now"),
            is_stacked=False,
            words=Words(
                shows="The nightly comparison, and how many documents differ or are missing.",
                normal="mostly same, and nothing that differs.",
                act="an approver opens Differs in the ERP: export it again, or leave it.",
            ),
            links=[
                desk("Differs in the ERP, on the desk", "differing"),
                page("A document that differs", "operations.md#a-document-that-differs-in-the-erp"),
            ],
        ),
        lines(
            "Second documents in a day, failed reloads in an hour",
            Query(late, "{{connection}} second documents"),
            Query('sum(increase(erp_connections_reloaded_total{outcome="failed"}[1h]))', "failed reloads"),
            limit=1,
            words=Words(
                shows="Documents that the ERP stored late, beside a repeated write; files of connections not taken.",
                normal="0.",
                act="remove one of the two documents and raise settle_seconds; mend the file of connections.",
            ),
            links=[page("Two documents", "operations.md#two-documents")],
        ),
    ]
