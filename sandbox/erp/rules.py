"""Which orders the ERP refuses, why, and what of that it announces."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from sandbox.erp.order import Order
from sandbox.erp.problem import Problem
from schemas.fields import FailureClass
from schemas.limits import MAX_NAME_CHARACTERS, MAX_TITLE_CHARACTERS


class Rules(BaseModel):
    """How strict the ERP is; a unique reference is off by default, because most ERPs do not enforce one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number_characters: int = Field(default=20, ge=1)
    closed_cost_codes: frozenset[str] = frozenset()
    is_reference_unique: bool = False


def limits_of(rules: Rules) -> Mapping[str, int | bool]:
    """What the ERP takes by `rules`, as its connection announces it; a closed cost code is found out by writing."""
    return {
        "number_characters": rules.number_characters,
        "title_characters": MAX_TITLE_CHARACTERS,
        "vendor_name_characters": MAX_NAME_CHARACTERS,
        "needs_vendor_code": True,
    }


def refusal(order: Order, rules: Rules) -> Problem | None:
    """The first reason not to write `order`; None if there is none."""
    return _unknown_vendor(order) or _long_number(order, rules) or _closed_cost_code(order, rules)


def _unknown_vendor(order: Order) -> Problem | None:
    if order.vendor.erp_code:
        return None
    detail = f"{order.vendor.name} has no vendor code here. Link the vendor, then try again."
    return Problem(422, "vendor_unknown", "Unknown vendor", detail, FailureClass.WAIT_FOR_DEPENDENCY)


def _long_number(order: Order, rules: Rules) -> Problem | None:
    length = len(order.number)
    if length <= rules.number_characters:
        return None
    detail = f"{length} characters in the number; this ERP takes {rules.number_characters}."
    return Problem(422, "3070", "Number too long", detail, FailureClass.FIX_DATA)


def _closed_cost_code(order: Order, rules: Rules) -> Problem | None:
    for line in order.lines:
        if line.cost_code in rules.closed_cost_codes:
            place = {"line": line.position, "field": "cost_code", "value": line.cost_code}
            detail = "Nothing can be booked on it any more."
            return Problem(422, "cost_code_closed", "Closed cost code", detail, FailureClass.FIX_DATA, place)
    return None
