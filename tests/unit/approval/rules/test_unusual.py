"""What is unusual about a commitment beside the others of its vendor."""

from decimal import Decimal

import pytest

from schemas.examples.cast import CONCRETE_1
from services.approval.rules.unusual import Others, unusual_findings

TOTAL = Decimal(CONCRETE_1.total)


def said(others: Others) -> list[str]:
    found = list(unusual_findings(CONCRETE_1, others))
    assert not any(each.is_blocking for each in found)
    return [each.text for each in found]


def test_an_amount_of_ten_times_the_vendors_median_is_a_warning() -> None:
    assert said(Others(3, TOTAL / 10)) == [
        "SC-014 is 10 times what commitments of Acme Concrete usually amount to, USD 48,025.00."
    ]


def test_a_credit_counts_as_its_amount() -> None:
    credit = CONCRETE_1.model_copy(update={"total": f"-{CONCRETE_1.total}"})
    (found,) = unusual_findings(credit, Others(3, TOTAL / 10))
    assert found.text == "SC-014 is 10 times what commitments of Acme Concrete usually amount to, USD 48,025.00."


@pytest.mark.parametrize(
    "others", [Others(), Others(2, Decimal(1)), Others(3, TOTAL / 9), Others(3, Decimal(0)), Others(3, Decimal(-5))]
)
def test_too_few_others_or_a_usual_amount_say_nothing(others: Others) -> None:
    assert said(others) == []


def test_the_same_vendor_project_and_amount_is_a_warning() -> None:
    assert said(Others(similar="SC-009")) == [
        "SC-014 has the same vendor, project and amount as SC-009. See that it is not the same order twice."
    ]


def test_the_same_order_under_the_same_number_as_one_that_failed_is_a_warning() -> None:
    same = "the same number, vendor, project and amount as another one, whose export failed"
    assert said(Others(similar="SC-014")) == [f"SC-014 has {same}. See that it is not the same order twice."]
