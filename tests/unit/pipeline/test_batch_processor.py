"""Decoding a batch of messages."""

from services.pipeline.decoding import decode_batch
from tests.unit.pipeline.samples import record, retrieved


def test_events_are_paired_with_their_records_in_order_and_unreadable_ones_are_apart() -> None:
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


def test_an_unreadable_message_is_kept_with_the_reason() -> None:
    broken = record(7, value=b"{", headers=[("x", b"\x00")])
    (letter,) = decode_batch([broken]).unreadable
    assert letter.record is broken
    assert letter.why == "the value is not JSON: unexpected end of data at byte 1"


def test_a_message_without_key_or_value_is_unreadable_and_raises_nothing() -> None:
    decoded = decode_batch([record(0, key=None), record(1, value=b"")])
    assert decoded.events == []
    assert [letter.reason for letter in decoded.unreadable] == ["key_mismatch", "undecodable"]


def test_a_message_for_which_our_decoding_has_a_defect_is_set_aside_too() -> None:
    """It would be read again for ever, by a process that ends every time."""
    defective = record(1, headers=[("content-type", 7)])  # type: ignore[list-item] - no client returns a number
    decoded = decode_batch([record(0), defective])
    assert len(decoded.events) == 1
    assert [(letter.record.offset, letter.reason) for letter in decoded.unreadable] == [(1, "handler_failed")]
