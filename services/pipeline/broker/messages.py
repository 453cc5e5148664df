"""Converts between librdkafka's messages and positions and our values, and configures consumers."""

import logging
from operator import methodcaller
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from schemas.message import Headers
from services.pipeline.records import Partition, Record, moment_of
from services.pipeline.settings import KafkaSettings

_told_headers = methodcaller("headers")
"""A call that Python never specialises, so that it always raises SystemError for a list that is broken."""
LIBRDKAFKA_LOG = logging.getLogger("librdkafka")
LIBRDKAFKA_LOG.addFilter(lambda line: not _is_start_of_broker(line))


def _is_start_of_broker(line: logging.LogRecord) -> bool:
    """Whether `line` only says that a broker that has just started cannot give a producer its id yet."""
    text = line.getMessage()
    return "GETPID" in text and "Coordinator load in progress" in text


def consumer_config(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Return the configuration of a consumer that commits no offsets on its own and never skips messages."""
    classic = {"partition.assignment.strategy": "cooperative-sticky"}
    return (
        settings.client_config()
        | (classic if settings.kafka_group_protocol == "classic" else {})
        | {
            "group.id": group,
            "group.protocol": settings.kafka_group_protocol,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # an offset that the broker no longer has raises an alarm instead of skipping messages
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": 4096,
            # one answer of a broker is unpacked as a whole, whatever the queue's limit, and leaves gaps in the memory;
            # 50 MiB would be the default
            "fetch.max.bytes": 1_048_576,
            # also the limit of what zstd unpacks to: the partition of a message beyond it could not be read any further
            "receive.message.max.bytes": 1_000_000_000,
            "fetch.queue.backoff.ms": 20,
            "on_commit": lambda *_: None,
        }
    )


def at_offset(partition: Partition, offset: int | None) -> TopicPartition:
    """Return `offset` in `partition`; None is the beginning."""
    return TopicPartition(partition.topic, partition.number, OFFSET_BEGINNING if offset is None else offset)


def partition_of(message: Message) -> Partition:
    """Return where the message, or what its error is about, comes from."""
    return Partition(str(message.topic()), int(message.partition() or 0))


def record_of(message: Message) -> Record:
    """Return a copy of the message, which stays valid when librdkafka frees its own."""
    return Record(
        partition_of(message),
        int(message.offset() or 0),
        message.key(),
        message.value(),
        _headers(message),
        moment_of(message.timestamp()[1]),
    )


def _headers(message: Message) -> Headers:
    """Return the headers; none if the name of one is no UTF-8, since confluent-kafka does not tell the others then.

    It returns a broken list and notes an error at the same time. Code that calls it directly and often does not look
    for the error, as Python has specialised the call by then, and reading the list ends the process.
    """
    try:
        pairs = cast("list[tuple[str, str | bytes | None]]", _told_headers(message) or [])
    except (SystemError, UnicodeDecodeError):
        return []
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]
