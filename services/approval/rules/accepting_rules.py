"""By which rules of their company somebody accepts, as they read it of themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schemas.commitment import Person
from services.approval.rules.approval_rules import CompanyRules, Duties
from services.approval.rules.controls import Authority
from services.pipeline.formats import enumeration, money

Amounts = Mapping[str, Decimal | None]
"""The largest amount by currency, None for no limit; a currency that is not named counts as 0."""

_DUTIES = {
    Duties.WARN: "You are warned before you accept what you sent or created.",
    Duties.BLOCK: "What you sent or created, another approver has to accept.",
}


@dataclass(frozen=True, slots=True)
class DelegatedAmounts:
    """The limits of another approver, which may be used until the end of a day."""

    owner: Person
    until: date
    limits: Amounts | None


@dataclass(frozen=True, slots=True)
class AcceptingRules:
    """What an approver may accept alone, also with the limits of others, and together with a second one.

    `limits` and `second_approval_above` are None where the company has no such rule.
    """

    separation_of_duties: Duties
    limits: Amounts | None
    second_approval_above: Amounts | None
    delegated: tuple[DelegatedAmounts, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All of it in sentences."""
        return tuple(_words(self))


def accepting_rules(authority: Authority) -> AcceptingRules:
    """The rules by which whoever has `authority` accepts."""
    rules, approver = authority.rules, authority.who
    delegated = tuple(
        DelegatedAmounts(each.owner, each.until, _limits(rules, each.owner.id)) for each in approver.delegated
    )
    own = _limits(rules, approver.person.id)
    return AcceptingRules(rules.separation_of_duties, own, rules.second_approval, delegated)


def _limits(rules: CompanyRules, person_id: str) -> Amounts | None:
    return rules.limits_of(person_id) or None


def _words(rules: AcceptingRules) -> Iterator[str]:
    yield f"You may accept {_up_to(rules.limits)}."
    for each in rules.delegated:
        yield f"With the limit of {each.owner.name}, until {each.until}, you may accept {_up_to(each.limits)}."
    if rules.second_approval_above:
        yield f"A second approver has to accept as well what is {_above(rules.second_approval_above)}."
    if rules.separation_of_duties in _DUTIES:
        yield _DUTIES[rules.separation_of_duties]


def _up_to(limits: Amounts | None) -> str:
    if limits is None:
        return "any amount"
    amounts = [f"up to {money(amount, currency)}" for currency, amount in limits.items() if amount]
    free = [f"any amount in {currency}" for currency, amount in limits.items() if amount is None]
    return enumeration([*amounts, *free, "nothing in other currencies"]) if amounts or free else "nothing"


def _above(limits: Amounts) -> str:
    amounts = [f"above {money(amount, currency)}" for currency, amount in sorted(limits.items()) if amount is not None]
    return enumeration([*amounts, f"in another currency than {enumeration(sorted(limits))}"], "or")
