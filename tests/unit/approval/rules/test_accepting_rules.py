"""What people read about the rules by which they accept."""

from datetime import date

import pytest

from schemas.events import DelegatedLimit
from schemas.examples.cast import COMPANY, DANA, SAM
from services.approval.rules.accepting_rules import accepting_rules
from services.approval.rules.approval_rules import CompanyRules
from services.approval.rules.controls import Approver, Authority

NO_OTHERS = "and nothing in other currencies."
SECOND = "A second approver has to accept as well what is above USD 5.00 or in another currency than EUR and USD."
WARNED = "You are warned before you accept what you sent or created."


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({}, ("You may accept any amount.", WARNED)),
        ({"separation_of_duties": "off"}, ("You may accept any amount.",)),
        (
            {"separation_of_duties": "block", "limits": {"USD": "1000", "CAD": "0"}},
            (
                "You may accept up to USD 1,000.00 and nothing in other currencies.",
                "What you sent or created, another approver has to accept.",
            ),
        ),
        (
            {"separation_of_duties": "off", "second_approval": {"EUR": "none", "USD": "5"}},
            (
                "You may accept any amount.",
                SECOND,
            ),
        ),
    ],
)
def test_they_are_sentences(rules: dict[str, object], words: tuple[str, ...]) -> None:
    company = CompanyRules.model_validate({"id": COMPANY} | rules)
    assert accepting_rules(Authority(Approver(DANA), company)).words == words


def test_limits_of_nothing_are_told_so() -> None:
    company = CompanyRules.model_validate({"id": COMPANY, "limits": {"USD": "0", "EUR": "0"}})
    assert accepting_rules(Authority(Approver(DANA), company)).words[0] == "You may accept nothing."


def test_the_limit_of_another_is_told_with_its_end() -> None:
    company = CompanyRules.model_validate(
        {"id": COMPANY, "limits": {"USD": "5"}, "approver": [{"person": SAM.id, "limits": {"USD": "none"}}]}
    )
    approver = Approver(DANA, (DelegatedLimit(owner=SAM, until=date(2026, 12, 4)),))
    told = accepting_rules(Authority(approver, company))
    assert told.words[:2] == (
        "You may accept up to USD 5.00 and nothing in other currencies.",
        f"With the limit of Sam Lee, until 2026-12-04, you may accept any amount in USD {NO_OTHERS}",
    )
