"""A document as the ERP shows it: total, currency and lines where they are clear, and nothing where they are not."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from services.exporter.connectors.http_copy import copy_answer, numbered_answer
from services.exporter.connectors.types import ErpCopy, ErpLine, FoundDocument, Gone, Refused, Transient

PLAIN = {"id": "7", "number": "PO-7", "reference": "c-1", "marker": "c-1/1/0"}
FOUND = FoundDocument("7", "PO-7", None, "c-1/1/0")


def answer(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


def test_a_copy_has_total_currency_and_lines() -> None:
    lines = [{"position": 1, "amount": "80.00", "description": "Forms"}, {"position": 2, "amount": 20}]

    copy = copy_answer(answer(PLAIN | {"total": "100.00", "currency": "USD", "lines": lines}))

    read = (ErpLine(Decimal("80.00"), 1, "Forms"), ErpLine(Decimal(20), 2))
    assert copy == ErpCopy(FOUND, "c-1", Decimal("100.00"), "USD", read)


@pytest.mark.parametrize("total", [None, "", "NaN", "a lot", True, [], "1e5", "1" * 40])
def test_a_total_that_is_no_amount_is_not_known(total: object) -> None:
    copy = copy_answer(answer(PLAIN | {"total": total}))

    assert isinstance(copy, ErpCopy)
    assert copy.total is None


@pytest.mark.parametrize("lines", [None, "none", [{"position": 1}], [{"amount": "1"}, {"amount": "NaN"}], [1]])
def test_lines_without_amounts_are_not_known(lines: object) -> None:
    copy = copy_answer(answer(PLAIN | {"lines": lines}))

    assert isinstance(copy, ErpCopy)
    assert copy.lines is None


def test_no_lines_are_known_to_be_none() -> None:
    copy = copy_answer(answer(PLAIN | {"lines": []}))

    assert isinstance(copy, ErpCopy)
    assert copy.lines == ()


@pytest.mark.parametrize("status", [404, 410])
def test_a_document_that_is_missing_is_gone(status: int) -> None:
    assert isinstance(copy_answer(answer({"title": "No such document"}, status)), Gone)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 200),
        ({}, 200),
        ("text", 200),
        ({"error": "locked", **PLAIN}, 200),
        ({}, 204),
        ({}, 302),
        ({}, 500),
        ({}, 503),
    ],
)
def test_an_answer_without_a_document_is_no_proof_of_its_absence(body: Any, status: int) -> None:
    assert isinstance(copy_answer(answer(body, status)), Transient)
    assert isinstance(numbered_answer(answer(body, status), "PO-7"), Transient)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_call_is_a_refusal(status: int) -> None:
    read = copy_answer(answer({"title": "No"}, status))

    assert isinstance(read, Refused)
    assert not isinstance(read, Gone)


def test_a_number_is_found_in_a_list() -> None:
    listed = {"documents": [PLAIN | {"id": "8", "number": "PO-77"}, PLAIN | {"total": "5"}]}

    assert numbered_answer(answer(listed), "PO-7") == ErpCopy(FOUND, "c-1", Decimal(5))


def test_a_number_that_nobody_has_is_gone() -> None:
    assert isinstance(numbered_answer(answer({"documents": [PLAIN]}), "PO-8"), Gone)


def test_a_number_that_two_documents_have_is_refused() -> None:
    read = numbered_answer(answer({"documents": [PLAIN, PLAIN | {"id": "8"}]}), "PO-7")

    assert isinstance(read, Refused)
    assert read.message == "2 documents have the number PO-7; give the ERP's id."
