"""A draft becomes a valid commitment with calculated amounts."""

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.commitments.draft import Draft, DraftError, describe
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
    with pytest.raises(DraftError, match="no such vendor"):
        created(a_draft(vendor="v-9"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number": ""}, "Number: is missing"),
        ({"currency": "dollar"}, "Currency: must be an ISO 4217 code such as USD"),
        ({"lines": [LINE, LINE | {"quantity": "many"}]}, "Line 2 quantity: must be a decimal string such as 480250.00"),
        ({"lines": [LINE | {"quantity": "9" * 15, "unit_cost": "9" * 15}]}, "has too many digits"),
    ],
)
def test_problems_are_described_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        a_draft(**changes)
    assert words in "; ".join(describe(error.value))


def test_a_total_with_too_many_digits_is_refused() -> None:
    huge = {"quantity": "999999999999999", "unit_cost": "1"}
    with pytest.raises(DraftError, match="Total"):
        created(a_draft(lines=[huge, huge]))
