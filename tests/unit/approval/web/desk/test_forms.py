"""Forms are read into fields, choices and problems."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from services.approval.web.desk import forms
from services.approval.web.desk.forms import BadFormError, Choice, Verb

HASH = "ab" * 32


@given(
    st.sampled_from(Verb),
    st.integers(1, 1_000_000),
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1),
)
def test_a_choice_is_read_from_its_own_form_value(verb: Verb, revision: int, commitment_id: str) -> None:
    choice = Choice(verb, revision, HASH, commitment_id)
    assert Choice.of(choice.value) == choice


@given(st.text())
def test_any_value_is_a_choice_or_refused(value: str) -> None:
    try:
        assert Choice.of(value).value == value
    except BadFormError as error:
        assert error.status_code == 400  # noqa: PT017 - there are two right outcomes


@pytest.mark.parametrize(
    "value", ["", f"accept:1:{HASH}:", f"accept:0:{HASH}:x", "accept:1:ab:x", f"accept:1:{HASH}:a\x00b"]
)
def test_a_broken_choice_is_refused(value: str) -> None:
    with pytest.raises(BadFormError):
        Choice.of(value)


def test_only_chosen_rows_count_and_at_most_a_page_of_them() -> None:
    chosen = {f"choice-{place}": f"accept:1:{HASH}:c{place}" for place in range(50)}
    assert len(forms.choices({"q": "x", "choice-99": ""} | chosen)) == 50
    with pytest.raises(BadFormError):
        forms.choices(chosen | {"choice-50": f"accept:1:{HASH}:c50"})


async def sent(body: bytes, content_type: str = "application/x-www-form-urlencoded; charset=utf-8") -> dict[str, str]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", content_type.encode())]
    return await forms.text_fields(Request({"type": "http", "method": "POST", "headers": headers}, receive))


async def test_line_ends_are_read_as_line_feeds() -> None:
    assert await sent(b"reason=a%0D%0Ab") == {"reason": "a\nb"}


async def test_a_form_is_read_as_browsers_send_it() -> None:
    assert await sent(b"a=1&b=&c=%C3%BC+%2B&a=2&d") == {"a": "2", "b": "", "c": "ü +", "d": ""}
    assert await sent(b"a=" + b"%C3%BC" * 20_000) == {"a": "ü" * 20_000}
    assert await sent(b"a=1", "multipart/form-data") == {}


async def test_a_form_with_too_many_fields_is_none_of_ours() -> None:
    assert len(await sent(b"&".join(b"f%d=" % n for n in range(forms.MAX_FIELDS)))) == forms.MAX_FIELDS
    with pytest.raises(BadFormError):
        await sent(b"&" * forms.MAX_FIELDS)


def test_a_reason_may_have_exactly_four_thousand_characters() -> None:
    assert forms.reason_problems("x" * 4000, "SC-014") == []
    (problem,) = forms.reason_problems("x" * 4001, "SC-014")
    assert problem.field == "reason"
    assert "4,001" in problem.text


def test_a_date_is_read_or_reported_as_invalid() -> None:
    assert forms.read_date("")[0] is None
    assert str(forms.read_date("2026-11-30")[0]) == "2026-11-30"
    assert forms.read_date("30.11.2026")[1][0].field == "accounting_date"


@pytest.mark.parametrize("digits", ["", "0", "-1", "1.0", " 1", "²", "\uff11", "1" * 8])
def test_only_positive_whole_numbers_are_read(digits: str) -> None:
    with pytest.raises(BadFormError):
        forms.positive_number(digits)


def test_a_document_number_and_id_contain_only_printable_characters() -> None:
    assert forms.code_problems("document_number", "document number", "PO 17") == []
    assert forms.code_problems("document_number", "document number", "PO\x0717")
    assert forms.id_problems("document_id", "id", "4F9-17") == []
    assert forms.id_problems("document_id", "id", "4F9 17") == []
    assert forms.id_problems("document_id", "id", "") == []
    assert forms.id_problems("document_id", "id", "4F9\x0717")
    assert forms.id_problems("document_id", "id", "x" * 129)


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u200d\u200d\u200d", " \u2060\n\xa0", "\u3164"])
def test_what_nobody_can_see_was_not_typed(text: str) -> None:
    assert forms.seen_text({"reason": text}, "reason") == ""


def test_what_was_typed_keeps_its_hidden_characters() -> None:
    assert forms.seen_text({"reason": " \u05d0\u200f. "}, "reason") == "\u05d0\u200f."


@pytest.mark.parametrize("value", [f"reject:1:{'z' * 64}:x", f"reject:1000001:{HASH}:x", f"reject:1:{HASH.upper()}:x"])
def test_a_choice_of_what_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(BadFormError):
        Choice.of(value)
