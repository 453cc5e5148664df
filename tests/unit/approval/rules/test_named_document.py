"""A document is named by its number, by the ERP's own id, or by both; `ID 2`, as people read it, is an id."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.approval.rules.answers import Settle


def settled(**document: Any) -> tuple[str, str | None]:
    answer = Settle.model_validate(
        {"revision": 1, "round": 1, "note": "Seen.", "document": {"connection": "tryton", **document}}
    )
    assert answer.document
    return answer.document.id, answer.document.number


@pytest.mark.parametrize("typed", ["ID 2", "id 2", "Id  2", " iD 2 "])
def test_a_number_that_says_that_it_is_an_id_is_one(typed: str) -> None:
    assert settled(number=typed) == ("2", None)
    assert settled(id="ID-2", number="ID 2") == ("2", None)  # the number standing in for the id
    assert settled(id="7", number=typed) == ("7", None)


@pytest.mark.parametrize("number", ["ID2", "ID", "ID-2", "PAID-2", "2", "id"])
def test_any_other_number_is_a_number(number: str) -> None:
    assert settled(number=number) == (number, number)
    assert settled(id="7", number=number) == ("7", number)


def test_either_of_number_and_id_is_enough() -> None:
    assert settled(number="PO 17") == ("PO-17", "PO 17")
    assert settled(id="2") == ("2", None)
    assert settled(id="ID 2") == ("ID 2", None)  # an id is as the ERP writes it


@pytest.mark.parametrize("document", [{}, {"id": None, "number": None}, {"number": ""}, {"number": " "}, {"id": 2}])
def test_a_document_without_either_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settled(**document)


@pytest.mark.parametrize("document", ["PO-17", 17, ["PO-17"]])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(ValidationError):
        Settle.model_validate({"revision": 1, "round": 1, "note": "Seen.", "document": document})
