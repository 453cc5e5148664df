"""Which of a company's ERP connections a commitment goes to."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Kind
from schemas.routing import Routed, Shadowed, destination, reasons, shadowed

HARBOUR = Routed("co-1", "project-7", "24-310", "EUR", Kind.PURCHASE_ORDER)


@dataclass(frozen=True)
class Ledger:
    name: str
    companies: Sequence[str] = ("co-1",)
    projects: Sequence[str] = ()
    currencies: Sequence[str] = ()
    kinds: Sequence[Kind] = ()


def test_the_first_that_takes_a_commitment_gets_it() -> None:
    first, second = Ledger("first"), Ledger("second")
    assert destination(HARBOUR, [first, second]) is first


@pytest.mark.parametrize(
    "other",
    [
        Ledger("x", companies=("co-2",)),
        Ledger("x", projects=("project-8",)),
        Ledger("x", currencies=("USD", "CHF")),
        Ledger("x", kinds=(Kind.SUBCONTRACT,)),
        Ledger("x", projects=("project-7",), currencies=("USD",)),
    ],
)
def test_one_whose_conditions_do_not_all_hold_is_passed_over(other: Ledger) -> None:
    rest = Ledger("rest")
    assert destination(HARBOUR, [other, rest]) is rest
    assert destination(HARBOUR, [other]) is None


@pytest.mark.parametrize("project", ["project-7", "24-310"])
def test_a_project_is_named_by_its_id_or_its_number(project: str) -> None:
    ledger = Ledger("ledger", projects=(project,))
    assert destination(HARBOUR, [ledger]) is ledger


def test_a_project_without_a_number_meets_no_condition_by_it() -> None:
    assert destination(Routed("co-1", "p", None, "EUR", Kind.SUBCONTRACT), [Ledger("x", projects=("None",))]) is None


def test_the_reasons_are_the_conditions_that_were_met() -> None:
    everything = Ledger("x", projects=("project-7",), currencies=("EUR",), kinds=(Kind.PURCHASE_ORDER,))
    assert reasons(HARBOUR, everything) == ("project 24-310", "currency EUR", "kind purchase order")
    assert reasons(HARBOUR, Ledger("x")) == ()


def test_one_behind_another_that_takes_everything_of_a_company_is_shadowed() -> None:
    ledgers = [Ledger("all"), Ledger("euros", companies=("co-2", "co-1"), currencies=("EUR",))]
    assert list(shadowed(ledgers)) == [Shadowed("euros", "co-1", "all")]
    assert list(shadowed(ledgers[::-1])) == []


_CONDITIONS = st.sampled_from([(), ("a",), ("b",), ("a", "b")])
_LEDGERS = st.lists(
    st.builds(
        Ledger,
        name=st.integers(0, 1_000_000).map(str),
        companies=st.sampled_from([("a",), ("b",), ("b", "a")]),
        projects=_CONDITIONS,
        currencies=_CONDITIONS,
        kinds=st.sampled_from([(), (Kind.SUBCONTRACT,), tuple(Kind)]),
    ),
    max_size=4,
    unique_by=lambda each: each.name,
)


@given(_LEDGERS)
def test_what_is_called_shadowed_by_one_other_is_never_chosen_for_that_company(ledgers: list[Ledger]) -> None:
    hidden = {(each.name, each.company) for each in shadowed(ledgers)}
    for company in "ab":
        for project in "abc":
            for currency in "abc":
                for kind in Kind:
                    chosen = destination(Routed(company, project, None, currency, kind), ledgers)
                    assert chosen is None or (chosen.name, company) not in hidden
