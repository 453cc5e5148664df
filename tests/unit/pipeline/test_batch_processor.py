"""What a batch of messages holds once it is decoded, and whose fault a database error is."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from services.pipeline.batch_processor import decode_batch, is_data_error
from tests.unit.pipeline.given import record, retrieved


def test_events_come_with_their_records_in_order_and_faults_apart() -> None:
    good = [record(0), record(2, key=b"c-2"), record(4)]
    bad = [record(1, value=b"\xff"), record(3, key=b"another", value=good[0].value)]
    decoded = decode_batch([good[0], bad[0], good[1], bad[1], good[2]])
    assert [each for each, _ in decoded.events] == good
    assert [event.id for _, event in decoded.events] == [
        retrieved("c-1").id,
        retrieved("c-2").id,
        retrieved("c-1").id,
    ]
    assert [(letter.record.offset, letter.reason) for letter in decoded.unreadable] == [
        (1, "undecodable"),
        (3, "key_mismatch"),
    ]


def test_a_dead_letter_keeps_the_message_and_says_why() -> None:
    broken = record(7, value=b"{", headers=[("x", b"\x00")])
    (letter,) = decode_batch([broken]).unreadable
    assert letter.record is broken
    assert letter.why == "the value is not JSON: unexpected end of data at byte 1"


def test_a_message_without_key_or_value_is_no_reason_to_stop() -> None:
    decoded = decode_batch([record(0, key=None), record(1, value=b"")])
    assert decoded.events == []
    assert [letter.reason for letter in decoded.unreadable] == ["key_mismatch", "undecodable"]


THE_EVENT, NOBODY = "the event", "nobody"


class RefusalError(Exception):
    def __init__(self, sqlstate: Any) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "at_fault"),
    [
        ("22001", THE_EVENT),  # too long
        ("22P05", THE_EVENT),  # no such character
        ("23514", THE_EVENT),  # a check
        ("54000", THE_EVENT),  # beyond a limit of the program
        ("40P01", NOBODY),  # a deadlock
        ("40001", NOBODY),  # not serialisable
        ("57P01", NOBODY),  # shut down
        ("08006", NOBODY),  # connection lost
        ("42P01", NOBODY),  # no such table: a defect or a missing migration
        (None, NOBODY),
    ],
)
def test_only_what_no_repetition_mends_is_the_datas_fault(sqlstate: str | None, at_fault: str) -> None:
    error = DBAPIError("insert", None, RefusalError(sqlstate))
    assert is_data_error(error) is (at_fault == THE_EVENT)


def test_an_error_that_never_reached_the_database_is_not_the_datas_fault() -> None:
    assert not is_data_error(DBAPIError("insert", None, OSError("away")))
