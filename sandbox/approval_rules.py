"""The approval rules of the demo's company: limits, a second approval, and a warning about one's own commitments."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from sandbox.people import LEE
from schemas.examples.cast import COMPANY

SECOND_APPROVAL_ABOVE = Decimal("1000000.00")
"""The total above which two approvers have to accept, in each currency."""

LIMIT = Decimal("5000000.00")
"""The largest total that Dana may accept, in each currency."""

LIMITS_OF_LEE = {"USD": Decimal("1500000.00"), "EUR": Decimal("500000.00"), "CAD": Decimal("500000.00")}
"""In USD, Lee can be the first of two approvers; a large amount in another currency is beyond Lee's limit."""

CURRENCIES = tuple(LIMITS_OF_LEE)


def write_approval_rules(folder: Path) -> Path:
    """Write the file for APPROVAL_RULES."""
    path = folder / "approval-rules.toml"
    folder.mkdir(parents=True, exist_ok=True)
    lines = (
        "[[company]]",
        f"id = {json.dumps(COMPANY)}",
        'separation_of_duties = "warn"',
        f"limits = {_table(dict.fromkeys(CURRENCIES, LIMIT))}",
        f"second_approval = {_table(dict.fromkeys(CURRENCIES, SECOND_APPROVAL_ABOVE))}",
        "[[company.approver]]",
        f"person = {json.dumps(LEE.id)}",
        f"limits = {_table(LIMITS_OF_LEE)}",
    )
    path.write_text("\n".join([*lines, ""]))
    return path


def _table(amounts: Mapping[str, Decimal]) -> str:
    return "{ " + ", ".join(f'{currency} = "{amount}"' for currency, amount in amounts.items()) + " }"
