"""Answers of connectors that anybody may write: whatever they contain, they can be stored and published."""

import pytest
from pydantic import SecretStr

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
from services.exporter.rules.usable import Usable

USABLE = Usable()
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
        assert USABLE.written(answer) == answer
    assert USABLE.found((GOOD, UnreadableDocument("PO-18"))) == (GOOD, UnreadableDocument("PO-18"))


def test_odd_members_of_a_document_are_left_out() -> None:
    assert USABLE.found((FoundDocument("7", ODD, "/po/7", "m"),)) == (FoundDocument("7", None, None, "m"),)


@pytest.mark.parametrize("bad", ["", "a\x00", ODD, None, 7])
def test_a_document_without_a_usable_id_is_unreadable(bad: str) -> None:
    document = FoundDocument(bad, "PO-17")

    assert USABLE.found((document, GOOD)) == (UnreadableDocument("PO-17"), GOOD)
    assert USABLE.written(Landed((document, GOOD))) == Landed((GOOD,))
    assert isinstance(USABLE.written(Landed((document,))), Unknown)
    refused = USABLE.written(Exists(document))
    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.FIX_SETUP


def test_messages_are_one_line_and_codes_that_cannot_be_stored_are_left_out() -> None:
    for answer in (
        USABLE.written(Unknown(ODD, Refused(FailureClass.FIX_DATA, ODD, ODD))),
        USABLE.written(Refused(FailureClass.FIX_DATA, ODD, ODD)),
        USABLE.found(Transient(ODD, ODD)),
    ):
        assert isinstance(answer, (Unknown, Refused, Transient))
        assert answer.message.startswith("two lines xxx")
        assert len(answer.message) == 2_000
        assert getattr(answer, "code", None) is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [(float("nan"), 0.0), (float("inf"), 86_400.0), (-7.0, 0.0), (1e300, 86_400.0)]
)
def test_a_wait_is_within_its_bounds(asked: float, seconds: float) -> None:
    assert USABLE.found(Transient("Busy.", retry_after_seconds=asked)) == Transient(
        "Busy.", retry_after_seconds=seconds
    )


TOKEN = "s3cret/Token+7"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Bad header 'Authorization: Bearer {TOKEN}'.", "Bad header 'Authorization: Bearer …'."),
        (f"No token s3cret%2FToken%2B7 or {TOKEN} here.", "No token … or … here."),
        ("Ask postgres://erp:p@ss@db.internal/books.", "Ask postgres://…@db.internal/books."),
        (
            "See https://kim:pass@erp.example/po?access_token=abcd1234&x=1",
            "See https://…@erp.example/po?access_token=…&x=1",
        ),
        ('{"password": "hunter2!", "user": "kim"}', '{"password": "…", "user": "kim"}'),
        ("Authorization: Basic a2ltOnBhc3M=", "Authorization: Basic …"),
    ],
)
def test_secrets_that_an_erp_echoes_are_not_shown(said: str, shown: str) -> None:
    usable = Usable(SecretStr(TOKEN))

    refused = usable.written(Refused(FailureClass.FIX_DATA, said, said, next_step=said))
    unknown = usable.written(Unknown(said, Refused(FailureClass.FIX_DATA, said)))
    transient = usable.found(Transient(said))

    assert isinstance(refused, Refused)
    assert (refused.message, refused.code, refused.next_step) == (shown, shown, shown)
    assert isinstance(unknown, Unknown)
    assert unknown.refusal
    assert (unknown.message, unknown.refusal.message) == (shown, shown)
    assert isinstance(transient, Transient)
    assert transient.message == shown


@pytest.mark.parametrize(
    "said",
    [
        "The token: it has expired. The password is wrong; a basic contract needs one.",
        "Line 3//4 of https://erp.example/po/7 has no cost code. Ask kim@erp.example.",
        "Vendor key=12 is not known.",
    ],
)
def test_words_without_a_secret_stay_as_they_are(said: str) -> None:
    assert Usable(SecretStr("pass")).found(Transient(said)) == Transient(said)


def test_the_token_is_not_in_the_repr() -> None:
    assert TOKEN not in repr(Usable(SecretStr(TOKEN)))


def test_numbers_and_codes_show_what_they_are() -> None:
    document = FoundDocument("7", "PO-\u202e71\u2066\x1b[31m\n")

    assert USABLE.found((document,)) == (FoundDocument("7", "PO- 71 [31m"),)
    refused = USABLE.written(Refused(FailureClass.FIX_DATA, "No.", "V\u202e-1\t2"))
    assert isinstance(refused, Refused)
    assert refused.code == "V -1 2"


@pytest.mark.parametrize("bad", ["17\u202e", "\u200b17", "1\u20667"])
def test_a_document_whose_id_hides_what_it_is_is_unreadable(bad: str) -> None:
    assert USABLE.found((FoundDocument(bad, "PO-17"),)) == (UnreadableDocument("PO-17"),)
