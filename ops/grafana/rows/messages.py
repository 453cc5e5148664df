"""The pipeline: events in, events out, and what could not be processed."""

from collections.abc import Sequence

from ops.grafana.panels import RED, YELLOW, Panel, Query, Words, lines, number, page
from ops.grafana.promql import SERVICE, quantile, rate

_OUT_OF_RANGE = page("Offset out of range", "operations.md#offset-out-of-range")
_REFUSED = page("Events that Kafka does not take", "operations.md#events-that-kafka-does-not-take")


def panels() -> Sequence[Panel]:
    """The panels from left to right, line by line."""
    return [*_aside(), *_stuck(), *_incoming(), *_outgoing(), *_odd(), *_in_a_day()]


def _aside() -> Sequence[Panel]:
    return [
        number(
            "Dead letters",
            Query(
                f"sum by (service) (max by (service, reason) (dead_letters{{{SERVICE}}})) or {_none()}", "{{service}}"
            ),
            width=6,
            colours=[(1, YELLOW)],
            words=Words(
                shows="Messages that could not be processed and that nobody has redriven or discarded.",
                normal="0.",
                act="`countersign dead-letters list` says why. The sender corrects the message and publishes it again.",
            ),
            links=[page("Dead letters", "operations.md#dead-letters")],
        ),
        number(
            "Parked events",
            Query(f"sum by (state) (max by (service, state) (outbox_parked{{{SERVICE}}}))", "{{state}}"),
            width=6,
            colours=[(1, RED)],
            words=Words(
                shows="Events that Kafka did not take: retried by us, or refused until you send them again.",
                normal="0.",
                act="`countersign outbox list` says why. Change the topic's limit or the ACL, then `outbox retry`.",
            ),
            links=[_REFUSED],
        ),
    ]


def _stuck() -> Sequence[Panel]:
    return [
        number(
            "Set aside",
            Query(f"max by (service) (work_set_aside{{{SERVICE}}})", "{{service}}"),
            Query(f"max by (service, table) (rows_unreadable{{{SERVICE}}})", "{{service}} {{table}}"),
            width=6,
            colours=[(1, RED)],
            words=Words(
                shows="Exports or mails that cannot be read or recorded, and other rows that are left out.",
                normal="0.",
                act="the log has the cause with the number of repeats. Mend it and make the rows due again.",
            ),
            links=[page("Work that is set aside", "operations.md#work-that-is-set-aside")],
        ),
        number(
            "Offsets out of range",
            Query(f"sum by (service) (pipeline_offsets_out_of_range{{{SERVICE}}}) or {_none()}", "{{service}}"),
            width=6,
            colours=[(1, RED)],
            words=Words(
                shows="Partitions that are not read, since the broker no longer has what comes next.",
                normal="0.",
                act="at once: find out what is missing, then decide from where to read.",
            ),
            links=[_OUT_OF_RANGE],
        ),
    ]


def _none() -> str:
    """0 for each service that answers."""
    return f"0 * max by (service) (service_ready{{{SERVICE}}})"


def _incoming() -> Sequence[Panel]:
    return [
        lines(
            "Lag",
            Query(
                f"sum by (service, topic) (max by (service, topic, partition) (kafka_consumer_lag{{{SERVICE}}})) > 0",
                "{{service}} {{topic}}",
            ),
            words=Words(
                shows="Messages that are published and not processed, of topics that have any.",
                normal="0 to some hundreds, and back to 0 after a peak.",
                act="if it grows while Events is 0, see Ready processes; if both grow, start more processes.",
            ),
            links=[_OUT_OF_RANGE],
        ),
        lines(
            "Events",
            Query(rate("pipeline_events_total", SERVICE, "service", "outcome"), "{{service}} {{outcome}}"),
            unit="cps",
            is_stacked=True,
            words=Words(
                shows="Events processed in a second, by outcome; unchanged ones are repeats.",
                normal="applied, with a few unchanged after a restart.",
                act="dead_lettered that rises: see Dead letters.",
            ),
        ),
        lines(
            "Age of events, p99",
            Query(quantile(0.99, "pipeline_event_age_seconds", SERVICE, "service", "topic"), "{{service}} {{topic}}"),
            unit="s",
            is_log=True,
            words=Words(
                shows="From when an event happened to when it was committed here, for 99 of 100.",
                normal="below a second; after a restart as long as the service was away.",
                act="compare with Lag and the time of a batch: one of them says where the time goes.",
            ),
        ),
    ]


def _outgoing() -> Sequence[Panel]:
    return [
        lines(
            "Time to process a batch, p99",
            Query(quantile(0.99, "pipeline_batch_seconds", SERVICE, "service"), "{{service}}"),
            unit="s",
            limit=1,
            words=Words(
                shows="From decoded to committed, for 99 of 100 batches.",
                normal="below a second.",
                act="look at PostgreSQL: slow disks, locks, a missing vacuum.",
            ),
            links=[page("PostgreSQL", "operations.md#postgresql")],
        ),
        lines(
            "Outbox: events that Kafka has not acknowledged",
            Query(f"max by (service) (outbox_rows{{{SERVICE}}})", "{{service}}"),
            words=Words(
                shows="Events that are committed here and wait to be sent, counted up to 100,000.",
                normal="0 to some hundreds.",
                act="if it grows, Kafka takes nothing: see its brokers.",
            ),
            links=[_REFUSED],
        ),
        lines(
            "Outbox: oldest event",
            Query(f"max by (service) (outbox_oldest_age_seconds{{{SERVICE}}})", "{{service}}"),
            unit="s",
            limit=60,
            words=Words(
                shows="How long the oldest of them has waited.",
                normal="below a second.",
                act="above a minute, Kafka is unavailable or an event is parked.",
            ),
            links=[_REFUSED],
        ),
    ]


def _odd() -> Sequence[Panel]:
    return [
        lines(
            "Wrong settings of topics",
            Query(f"max by (service) (pipeline_topic_settings_wrong{{{SERVICE}}})", "{{service}}"),
            width=6,
            limit=1,
            words=Words(
                shows="Settings of a service's topics that keep less than was promised.",
                normal="0.",
                act="run `countersign topics`; the log names each setting.",
            ),
            links=[page("Kafka", "operations.md#kafka")],
        ),
        lines(
            "Events that were read in part, in an hour",
            Query(
                f"sum by (service, topic) (increase(pipeline_partly_read_total{{{SERVICE}}}[1h]))",
                "{{service}} {{topic}}",
            ),
            width=6,
            words=Words(
                shows="Records of people with members that we do not understand and read as the least right.",
                normal="0.",
                act="update Countersign, or correct the publisher: the log names person and members.",
            ),
        ),
    ]


def _in_a_day() -> Sequence[Panel]:
    by_table = f"sum by (service, table) (increase(retention_rows_total{{{SERVICE}}}[1d])) > 0"
    return [
        lines(
            "Dead letters that a service redrove by itself, in a day",
            Query(
                f"sum by (service, outcome) (increase(dead_letters_redriven_total{{{SERVICE}}}[1d])) > 0",
                "{{service}} {{outcome}}",
            ),
            width=6,
            words=Words(
                shows="Messages of a type that the service did not know before its update, and processed since.",
                normal="some after an update, all of them redriven.",
                act="failed_again: `countersign dead-letters list` says why.",
            ),
            links=[page("Dead letters", "operations.md#dead-letters")],
        ),
        lines(
            "Rows deleted in a day",
            Query(by_table, "{{service}} {{table}}"),
            width=6,
            words=Words(
                shows="Rows that nothing needs any more, and that were deleted.",
                normal="above 0 once the system is older than the days that are kept.",
                act="0 for weeks while tables grow: look for periodic.failed in the log.",
            ),
            links=[page("What is kept", "operations.md#what-is-kept-and-for-how-long")],
        ),
    ]
