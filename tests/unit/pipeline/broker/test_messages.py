"""Whatever a producer put around a message, it becomes a record: only its content may be refused, and later."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from services.pipeline.broker.messages import LIBRDKAFKA_LOG, record_of
from services.pipeline.clock import utc_now
from services.pipeline.records import Partition


class Received:
    """A message as librdkafka's client gives it."""

    def __init__(self, timestamp_ms: int = 1_795_000_000_000, headers: Any = None) -> None:
        self._timestamp_ms = timestamp_ms
        self._headers = headers

    def topic(self) -> str:
        return "commitment.sent"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7

    def key(self) -> bytes:
        return b"c-1"

    def value(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, self._timestamp_ms

    def headers(self) -> Any:
        if isinstance(self._headers, Exception):
            raise self._headers
        return self._headers


def test_a_message_becomes_a_record() -> None:
    record = record_of(Received(headers=[("a", b"1"), ("b", None), ("c", "text")]))  # type: ignore[arg-type]

    assert (record.partition, record.offset, record.key, record.value) == (
        Partition("commitment.sent", 3),
        7,
        b"c-1",
        None,
    )
    assert record.headers == [("a", b"1"), ("b", None), ("c", b"text")]
    assert record.at == datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize("timestamp_ms", [-1, -(2**63), 1_795_000_000_000_000_000])
def test_an_impossible_timestamp_does_not_stop_the_reader(timestamp_ms: int) -> None:
    before = utc_now()
    assert record_of(Received(timestamp_ms)).at >= before  # type: ignore[arg-type]


def test_a_header_whose_name_is_no_text_does_not_stop_the_reader() -> None:
    """The client raises this for all headers of the message, as seen with a name of the bytes FF FE."""
    unreadable = UnicodeDecodeError("utf-8", b"\xff\xfe", 0, 1, "invalid start byte")
    assert record_of(Received(headers=unreadable)).headers == []  # type: ignore[arg-type]


def producer_line(cause: str) -> logging.LogRecord:
    """Return what librdkafka logs if a producer does not get its id at once."""
    text = f"[thrd:main]: Failed to acquire idempotence PID from broker 127.0.0.1:9092/1: {cause}: retrying"
    given = ("GETPID", "rdkafka#producer-1", text)
    return logging.LogRecord("librdkafka", logging.WARNING, "", 0, "%s [%s] %s", given, None)


def test_only_a_starting_broker_is_left_out_of_the_log() -> None:
    assert not LIBRDKAFKA_LOG.filter(producer_line("Broker: Coordinator load in progress"))
    assert LIBRDKAFKA_LOG.filter(producer_line("Broker: Cluster authorization failed"))
