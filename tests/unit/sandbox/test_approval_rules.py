"""The approval rules of the demo."""

from pathlib import Path

from sandbox.approval_rules import CURRENCIES, LIMIT, LIMITS_OF_LEE, SECOND_APPROVAL_ABOVE, write_approval_rules
from sandbox.people import LEE
from schemas.examples.cast import COMPANY, DANA
from services.approval.rules.approval_rules import Duties
from services.approval.rules_file import read_rules


def test_the_file_is_read_as_it_was_meant(tmp_path: Path) -> None:
    rules = read_rules(write_approval_rules(tmp_path / "new")).of(COMPANY)

    assert rules.separation_of_duties is Duties.WARN
    for currency in CURRENCIES:
        assert rules.second_approval_above(currency) == SECOND_APPROVAL_ABOVE
        assert rules.limit(DANA.id, currency) == LIMIT
        assert rules.limit(LEE.id, currency) == LIMITS_OF_LEE[currency] < LIMIT
