"""The ERP refuses orders with problems, and says who can fix them."""

from sandbox.erp.rules import Rules, refusal
from schemas.commitment import Line
from schemas.examples.cast import IRONLINE
from schemas.fields import FailureClass
from tests.erp_orders import an_order


def test_a_valid_order_is_not_refused() -> None:
    assert refusal(an_order(), Rules()) is None


def test_a_vendor_without_a_code_has_to_be_linked_first() -> None:
    problem = refusal(an_order(vendor=IRONLINE), Rules())
    assert problem is not None
    assert (problem.status, problem.code) == (422, "vendor_unknown")
    assert problem.failure_class == FailureClass.WAIT_FOR_DEPENDENCY


def test_a_number_has_at_most_20_characters() -> None:
    assert refusal(an_order(number="N" * 20), Rules()) is None
    problem = refusal(an_order(number="N" * 21), Rules())
    assert problem is not None
    assert (problem.status, problem.code, problem.failure_class) == (422, "3070", FailureClass.FIX_DATA)
    assert problem.detail == "21 characters in the number; this ERP takes 20."


def test_a_closed_cost_code_is_reported_with_its_line() -> None:
    line = Line(position=3, cost_code="03-300", quantity="1", unit_cost="5.00", amount="5.00")
    assert refusal(an_order(lines=(line,)), Rules()) is None
    problem = refusal(an_order(lines=(line,)), Rules(closed_cost_codes=frozenset({"03-300"})))
    assert problem is not None
    assert problem.extra == {"line": 3, "field": "cost_code", "value": "03-300"}
    assert problem.failure_class == FailureClass.FIX_DATA
