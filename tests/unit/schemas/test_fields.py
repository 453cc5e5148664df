"""What each kind of field accepts and refuses."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas import fields, limits
from schemas.commitment import Person
from schemas.events import Change, CommitmentRetrieved
from schemas.fields import IN_WORDS, Day, Excerpt, Id, Instant, Money, Url

PATTERNS = {value: name for name, value in vars(fields).items() if name.endswith("_PATTERN")}


def test_every_pattern_is_explained_in_words() -> None:
    assert IN_WORDS.keys() == PATTERNS.keys()
    assert all(words.startswith("must ") for words in IN_WORDS.values())


@pytest.mark.parametrize("pattern", PATTERNS, ids=PATTERNS.values())
def test_patterns_use_only_escapes_that_other_languages_accept(pattern: str) -> None:
    assert set(re.findall(r"\\.", pattern)) <= {r"\x", r"\s", r"\."}
    assert re.compile(pattern)


@pytest.mark.parametrize(
    "text", ["a", "...", ".a", "..a", "a.", "a..", "/", "%2e", "\\", "é", "🏗" * 128, "\u202e", "x" * 128]
)
def test_an_id_is_anything_that_an_address_can_have(text: str) -> None:
    assert TypeAdapter(Id).validate_python(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", " ", "a b", "a\n", "\n", "\x00", "a\x7f", "x" * 129])
def test_anything_else_is_no_id(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(text)


@pytest.mark.parametrize("text", ["0", "-1", "480250.00", "0.000001", "9" * 15, "007"])
def test_an_amount_is_a_plain_decimal(text: str) -> None:
    assert TypeAdapter(Money).validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "1,0", "1e5", "+1", ".5", "5.", "1.1234567", "9" * 16, "Infinity", "٣", " 1", "1\n", 1, 1.5]
)
def test_anything_else_is_not_an_amount(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Money).validate_python(text)


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "//pm.example", "https://", 'https://x"onclick', "https://x y", "ftp://x"]
)
def test_a_url_that_is_not_safe_to_link_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Url).validate_python(text)


@pytest.mark.parametrize("text", ["2026-11-16T15:02:00Z", "2026-11-16t15:02:00z", "2026-11-16T09:02:00.000-06:00"])
def test_an_instant_is_converted_to_utc(text: str) -> None:
    instant = TypeAdapter(Instant).validate_python(text)
    assert instant == datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-16",
        "2026-11-16T15:02Z",
        "2026-11-16 15:02:00Z",
        "2026-02-30T00:00:00Z",
        0,
        True,
        None,
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_anything_else_is_not_an_instant(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(text)


@pytest.mark.parametrize("value", [0, 20261130, "2026-11-30T00:00:00Z", "30.11.2026", "2026-02-30", True])
def test_a_day_is_neither_a_number_nor_an_instant(value: Any) -> None:
    assert TypeAdapter(Day).validate_python("2026-11-30") == date(2026, 11, 30)
    with pytest.raises(ValidationError):
        TypeAdapter(Day).validate_python(value)


def test_an_excerpt_is_cut_to_its_maximum_length() -> None:
    cut = TypeAdapter(Excerpt).validate_python("x" * 20_000)
    assert (len(cut), cut[-2:]) == (limits.MAX_EXCERPT_CHARACTERS, "x…")
    change = Change(field="Description", before="y" * 501, after="y" * 500)
    assert change.before == "y" * 499 + "…"
    assert change.after == "y" * 500


def test_records_keep_unknown_members_and_people_drop_them() -> None:
    sam = {"id": "p", "name": "Sam", "email": "sam@x.example", "phone": "555"}
    about = {"company_id": "c", "project_id": "p", "commitment_id": "x", "revision": 1}
    event = CommitmentRetrieved.model_validate(about | {"retrieved_by": sam, "mood": "fine"})
    assert event.model_extra == {"mood": "fine"}
    assert event.retrieved_by == Person(id="p", name="Sam", email="sam@x.example")
    assert "phone" not in event.model_dump(mode="json")["retrieved_by"]


def test_records_are_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Person(id="p", name="Sam", email="sam@x.example").name = "Eve"
