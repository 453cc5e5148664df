"""A draft becomes a valid commitment with calculated amounts."""

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.commitments.draft import Draft, DraftError
from sandbox.commitments.problems import describe
from schemas.commitment import Commitment
from schemas.examples.cast import ACME, ANA, RIVERSIDE

LINE = {"cost_code": "03-300", "quantity": "1150", "unit": "cy", "unit_cost": "185.00", "tax_code": ""}
TYPED = {"number": "SC-014", "title": "Concrete works", "vendor": ACME.id, "description": "", "lines": [LINE]}


def a_draft(**changes: Any) -> Draft:
    return Draft.model_validate(TYPED | changes)


def created(draft: Draft) -> Commitment:
    return draft.new_commitment("c-1", url="http://pm.example/c-1", creator=ANA, project=RIVERSIDE)


def test_amounts_and_total_are_calculated_to_the_cent() -> None:
    odd = {"quantity": "3", "unit_cost": "0.335"}
    commitment = created(a_draft(lines=[LINE, odd]))
    assert [line.amount for line in commitment.lines] == ["212750.00", "1.01"]
    assert [line.position for line in commitment.lines] == [1, 2]
    assert commitment.total == "212751.01"


def test_a_total_can_be_wrong_on_purpose() -> None:
    assert created(a_draft(total="50.00")).total == "50.00"


def test_empty_fields_count_as_absent() -> None:
    commitment = created(a_draft())
    assert commitment.description is None
    assert commitment.lines[0].tax_code is None
    assert commitment.status == "Approved"


def test_the_draft_of_a_commitment_makes_the_same_commitment() -> None:
    commitment = created(a_draft())
    assert Draft.of(commitment).apply_to(commitment) == commitment
    assert Draft.of(commitment).changed_fields(commitment) == frozenset()


def test_an_edit_keeps_unknown_members() -> None:
    commitment = Commitment.model_validate(created(a_draft()).model_dump() | {"insurance": {"expires": "2027-03-31"}})
    changed = a_draft(title="Concrete").apply_to(commitment)
    assert changed.model_extra == {"insurance": {"expires": "2027-03-31"}}
    assert (changed.title, changed.id, changed.creator) == ("Concrete", "c-1", commitment.creator)
    assert a_draft(title="Concrete", lines=[]).changed_fields(commitment) == {"title", "lines"}


def test_a_commitment_from_another_tool_keeps_its_vendor() -> None:
    foreign = created(a_draft()).model_copy(update={"vendor": {"id": "v-9", "name": "Far Away", "erp_code": "FAR"}})
    foreign = Commitment.model_validate(foreign.model_dump(warnings=False))
    assert a_draft(vendor="v-9").apply_to(foreign).vendor == foreign.vendor


def test_an_unknown_vendor_is_refused() -> None:
    with pytest.raises(DraftError, match="Choose a contract company"):
        created(a_draft(vendor="v-9"))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"number": ""}, "number", "Enter a number"),
        ({"title": "  "}, "title", "Enter a title"),
        ({"title": "x" * 600}, "title", "Shorten the title to 500 characters"),
        ({"vendor": ""}, "vendor", "Choose a contract company"),
        ({"kind": "loan"}, "kind", "Choose a kind"),
        ({"currency": "dollar"}, "currency", "Enter the currency as three letters, such as USD"),
        (
            {"retainage_percent": "a tenth"},
            "retainage_percent",
            "Enter the retainage as a percentage, such as 10 or 7.5",
        ),
        ({"lines": [{"unit_cost": "1"}]}, "line-1-quantity", "Enter a quantity for line 1"),
        ({"lines": [LINE, {"quantity": "1"}]}, "line-2-unit_cost", "Enter a unit cost for line 2"),
        (
            {"lines": [LINE, LINE | {"quantity": "many"}]},
            "line-2-quantity",
            "Enter the quantity of line 2 as a number, with a point before decimals, such as 1,200.50",
        ),
        (
            {"lines": [LINE | {"unit_cost": "1,000.1234567"}]},
            "line-1-unit_cost",
            "Enter the unit cost of line 1 with at most 15 digits before the point and 6 after it",
        ),
        (
            {"lines": [LINE | {"quantity": "9" * 15, "unit_cost": "9" * 15}]},
            "line-1-quantity",
            "Lower the quantity or the unit cost of line 1: their product has too many digits",
        ),
        (
            {"lines": [LINE | {"cost_code": "x" * 300}]},
            "line-1-cost_code",
            "Shorten the cost code of line 1 to 255 characters",
        ),
    ],
)
def test_problems_are_described_in_words_at_their_fields(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        a_draft(**changes)
    assert [(each.field, each.text) for each in describe(error.value)] == [(field, words)]


@pytest.mark.parametrize("name", list(Draft.model_fields))
def test_no_problem_shows_words_of_a_program(name: str) -> None:
    with pytest.raises(ValidationError) as error:
        Draft.model_validate({**TYPED, name: {"a": "b"}})
    texts = [each.text for each in describe(error.value)]
    assert [text for text in texts if "_" in text or "Field" in text or "pydantic" in text.lower()] == []
    assert all(text[0].isupper() for text in texts)


def test_amounts_are_read_as_people_type_them() -> None:
    typed = {"quantity": "1,200.50", "unit_cost": "1 000"}
    commitment = created(a_draft(lines=[typed], total="1'200'500.00", currency="eur", retainage_percent="10."))
    (line,) = commitment.lines
    assert (line.quantity, line.unit_cost, line.amount) == ("1200.50", "1000", "1200500.00")
    assert (commitment.total, commitment.currency, commitment.retainage_percent) == ("1200500.00", "EUR", "10")


def test_a_total_with_too_many_digits_is_refused() -> None:
    huge = {"quantity": "999999999999999", "unit_cost": "1"}
    with pytest.raises(DraftError, match="total"):
        created(a_draft(lines=[huge, huge]))
