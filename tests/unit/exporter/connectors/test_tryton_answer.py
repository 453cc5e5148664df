"""Tests of what an answer of Tryton means; the answers are those of a real server of series 8.2."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from schemas.fields import FailureClass
from services.exporter.connectors.tryton_answer import FAILURES, Result, answer_of, without_storing
from services.exporter.connectors.types import Refused, Transient, Unknown


def answer(status: int = 200, body: Any = None, **headers: str) -> Result | Refused | Transient | Unknown:
    return answer_of(httpx2.Response(status, json=body, headers=headers), FAILURES)


def user_error(text: str) -> Result | Refused | Transient | Unknown:
    return answer(body={"id": 1, "error": ["UserError", [text, "", None]]})


def test_a_result_is_read_with_its_decimals() -> None:
    body = {"id": 1, "result": [{"amount": {"__class__": "Decimal", "decimal": "81702.75"}}]}

    assert answer(body=body) == Result([{"amount": Decimal("81702.75")}])


def test_no_result_is_a_result_too() -> None:
    """A write returns nothing."""
    assert answer(body={"id": 1, "result": None}) == Result(None)


@pytest.mark.parametrize(
    ("text", "failure_class"),
    [
        ('You are not allowed to access "Purchase".', FailureClass.FIX_SETUP),
        ('You are not allowed to modify the field "Party" in record "1 [c-1]".', FailureClass.WAIT_FOR_DEPENDENCY),
        ('The number of digits in the value "1.1234567" exceeds the limit of "4".', FailureClass.FIX_DATA),
        ('A value is required for field "Warehouse" in "Purchase".', FailureClass.FIX_SETUP),
        ('The value "99" for field "Party" in "Purchase" does not exist.', FailureClass.WAIT_FOR_DEPENDENCY),
    ],
)
def test_a_business_error_stored_nothing_and_is_sorted_by_its_words(text: str, failure_class: FailureClass) -> None:
    refused = user_error(text)

    assert isinstance(refused, Refused)
    assert (refused.failure_class, refused.code) == (failure_class, "UserError")
    assert text in refused.message


def test_a_business_error_that_nobody_has_described_keeps_its_words() -> None:
    refused = user_error("The moon is full.")

    assert isinstance(refused, Refused)
    assert refused.message == "The moon is full."


def test_a_warning_is_told_without_its_name() -> None:
    refused = answer(body={"id": 1, "error": ["UserWarning", ["warning_17", "The date is old.", "Sure?"]]})

    assert isinstance(refused, Refused)
    assert "The date is old. Sure?" in refused.message
    assert "warning_17" not in refused.message


def test_a_change_in_between_may_be_tried_again() -> None:
    changed = answer(body={"id": 1, "error": ["ConcurrencyException", "Records were modified in the meanwhile"]})

    assert isinstance(changed, Transient)
    assert changed.is_reached


def test_any_other_error_leaves_a_write_in_doubt() -> None:
    """It may come from the commit itself."""
    unknown = answer(body={"id": 1, "error": ["connection already closed", ""]})

    assert isinstance(unknown, Unknown)
    assert unknown.refusal is not None
    assert unknown.refusal.code == "server_error"
    assert "connection already closed" in unknown.message


def test_a_missing_module_is_named() -> None:
    unknown = answer(body={"id": 1, "error": ["'purchase.purchase'", ""]})

    assert isinstance(unknown, Unknown)
    assert "module purchase is not activated" in unknown.message


@pytest.mark.parametrize("status", [408, 502, 503, 504, 524])
def test_what_a_proxy_says_is_a_lost_answer(status: int) -> None:
    unknown = answer(status, {"message": "upstream"})

    assert isinstance(unknown, Unknown)
    assert unknown.refusal is None


def test_a_proxy_that_asks_to_wait_stored_nothing() -> None:
    assert answer(503, {}, **{"retry-after": "7"}) == Transient("Tryton gave no reason.", None, 7.0)


def test_a_rate_limit_waits_for_as_long_as_tryton_counts() -> None:
    limited = answer(429)

    assert isinstance(limited, Transient)
    assert limited.retry_after_seconds == 300.0


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_other_refusals_of_the_protocol_stored_nothing(status: int) -> None:
    assert isinstance(answer(status, {}), Refused)


@pytest.mark.parametrize("status", [301, 307, 500, 501])
def test_what_is_no_answer_of_tryton_is_in_doubt_and_not_repeated(status: int) -> None:
    unknown = answer(status, {})

    assert isinstance(unknown, Unknown)
    assert unknown.refusal is not None


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b'{"id": 1}', b'{"__class__": "Decimal", "decimal": "x"}'])
def test_a_body_that_is_no_rpc_answer_is_in_doubt(content: bytes) -> None:
    unknown = answer_of(httpx2.Response(200, content=content), FAILURES)

    assert isinstance(unknown, Unknown)
    assert unknown.refusal is not None
    assert unknown.refusal.code == "no_rpc"


def test_a_search_in_doubt_is_no_doubt() -> None:
    assert without_storing(Unknown("lost")) == Transient("lost")
    assert without_storing(Unknown("odd", Refused(FailureClass.FIX_SETUP, "odd"))) == Refused(
        FailureClass.FIX_SETUP, "odd"
    )


def test_an_error_is_shown_without_its_traceback() -> None:
    traceback = 'Traceback (most recent call last):\n  File "x.py", line 3\nValueError: too long\n'
    named = answer(body={"id": 1, "error": ["connection already closed", traceback]})
    unnamed = answer(body={"id": 1, "error": ["", traceback]})

    assert named.message == "Tryton failed with an error of its own: connection already closed."
    assert unnamed.message == "Tryton failed with an error of its own: ValueError: too long."


def test_a_question_at_sign_in_is_shown_without_its_name() -> None:
    asked = answer(body={"id": 1, "error": ["LoginException", ["otp", "Your code?", "char"]]})

    assert asked.message == "Tryton asks for more than a password: Your code?"
