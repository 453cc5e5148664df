"""Answers of connectors that anybody may write: whatever they contain, they can be stored and published."""

import pytest

from schemas.fields import FailureClass
from services.exporter.connectors.types import (
    Exists,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)
from services.exporter.rules.usable import usable_found, usable_written

ODD = "\x00two\nlines \ud800" + "x" * 50_000
GOOD = FoundDocument("PO 17", "PO-17", "https://erp.example.com/17", "m")


def test_good_answers_stay_as_they_are() -> None:
    for answer in (
        Landed((GOOD,)),
        Exists(GOOD),
        Unknown("No answer.", Refused(FailureClass.FIX_DATA, "No.", "V-1"), is_reached=True),
        Refused(FailureClass.FIX_DATA, "No.", "V-1"),
        Transient("Busy.", "V-1", 7.5, is_reached=True),
    ):
        assert usable_written(answer) == answer
    assert usable_found((GOOD, UnreadableDocument("PO-18"))) == (GOOD, UnreadableDocument("PO-18"))


def test_odd_members_of_a_document_are_left_out() -> None:
    assert usable_found((FoundDocument("7", ODD, "/po/7", "m"),)) == (FoundDocument("7", None, None, "m"),)


@pytest.mark.parametrize("bad", ["", "a\x00", ODD, None, 7])
def test_a_document_without_a_usable_id_is_unreadable(bad: str) -> None:
    document = FoundDocument(bad, "PO-17")

    assert usable_found((document, GOOD)) == (UnreadableDocument("PO-17"), GOOD)
    assert usable_written(Landed((document, GOOD))) == Landed((GOOD,))
    assert isinstance(usable_written(Landed((document,))), Unknown)
    refused = usable_written(Exists(document))
    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.FIX_SETUP


def test_messages_are_one_line_and_codes_that_cannot_be_stored_are_left_out() -> None:
    for answer in (
        usable_written(Unknown(ODD, Refused(FailureClass.FIX_DATA, ODD, ODD))),
        usable_written(Refused(FailureClass.FIX_DATA, ODD, ODD)),
        usable_found(Transient(ODD, ODD)),
    ):
        assert isinstance(answer, (Unknown, Refused, Transient))
        assert answer.message.startswith("two lines xxx")
        assert len(answer.message) == 2_000
        assert getattr(answer, "code", None) is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [(float("nan"), 0.0), (float("inf"), 86_400.0), (-7.0, 0.0), (1e300, 86_400.0)]
)
def test_a_wait_is_within_its_bounds(asked: float, seconds: float) -> None:
    assert usable_found(Transient("Busy.", retry_after_seconds=asked)) == Transient(
        "Busy.", retry_after_seconds=seconds
    )
