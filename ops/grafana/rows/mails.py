"""Mails and the daily summary."""

from collections.abc import Sequence

from ops.grafana.panels import Panel, Query, Words, lines, page
from ops.grafana.promql import quantile, rate

_MAILS = page("When the mail server refuses us", "mails.md#when-the-mail-server-refuses-us")


def panels() -> Sequence[Panel]:
    """The panels from left to right, line by line."""
    return [*_mails(), *_digest()]


def _mails() -> Sequence[Panel]:
    return [
        lines(
            "Mails",
            Query(rate("mails_total", "", "kind", "outcome"), "{{kind}} {{outcome}}"),
            unit="cps",
            is_stacked=True,
            words=Words(
                shows="Mails in a second by kind and outcome; deferred and blocked ones are tried again.",
                normal="sent.",
                act="blocked: the mail server refuses us, so no mail gets through. failed: an address does not exist.",
            ),
            links=[_MAILS],
        ),
        lines(
            "Oldest mail without an outcome",
            Query("max(mail_oldest_age_seconds)", "age"),
            unit="s",
            limit=900,
            words=Words(
                shows="How long the oldest mail waits that is neither sent, failed nor expired.",
                normal="seconds; some minutes while the mail server puts one off.",
                act="above 15 minutes, ask whoever runs the mail server. Mails are kept and sent later.",
            ),
            links=[_MAILS],
        ),
        lines(
            "Time to hand over a mail, p50 and p99",
            Query(quantile(0.5, "mail_send_seconds", ""), "p50"),
            Query(quantile(0.99, "mail_send_seconds", ""), "p99"),
            unit="s",
            limit=45,
            is_log=True,
            words=Words(
                shows="One conversation with the mail server, the connection included.",
                normal="below a second or two.",
                act="near 45 s, conversations are given up and mails may be repeated.",
            ),
        ),
    ]


def _digest() -> Sequence[Panel]:
    return [
        lines(
            "Since the last look for due summaries",
            Query("time() - max(digest_last_success_timestamp_seconds > 0)", "age"),
            unit="s",
            limit=600,
            words=Words(
                shows="How long ago the schedule last made every summary that was due.",
                normal="below two minutes.",
                act="look at the log of the digest: the database is away, or it catches up.",
            ),
        ),
        lines(
            "Daily summaries in a day",
            Query("sum(increase(digest_summaries_total[1d]))", "summaries"),
            words=Words(
                shows="Summaries that were handed to the notifier in 24 hours.",
                normal="one for each approver for whom something waits.",
                act="0 although commitments wait: see whether approvers stopped it, and the panel beside this one.",
            ),
        ),
        lines(
            "Trouble of the digest, in an hour",
            Query("sum(increase(digest_failed_attempts_total[1h]))", "failed attempts"),
            words=Words(
                shows="Batches that could not be stored and are repeated.",
                normal="0; some while the database restarts.",
                act="for minutes: the log has the cause under projection.waits.",
            ),
        ),
    ]
