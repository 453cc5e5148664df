"""The rules by which a company lets its approvers accept: separation of duties, amount limits, second approvals."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from schemas.fields import Currency, Id

NO_LIMIT = "none"
"""What stands for an amount that nothing exceeds."""

MAX_AMOUNT = Decimal("999999999999999.999999")


class Duties(StrEnum):
    """What happens if somebody accepts a commitment that they sent or created."""

    OFF = "off"
    WARN = "warn"
    BLOCK = "block"


def _amount(value: Any) -> Any:
    """`value` as a decimal, None for no limit; ValueError for anything else, also for a negative amount."""
    if value == NO_LIMIT:
        return None
    try:
        amount = Decimal(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else None
    except ArithmeticError:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        raise ValueError(f'must be an amount such as "100000.00", or "{NO_LIMIT}" for no limit')
    return amount


Amount = Annotated[Decimal | None, BeforeValidator(_amount)]
"""An amount; None is no limit."""

Amounts = Annotated[dict[Currency, Amount], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApproverRules(_Table):
    """The limits of one approver."""

    person: Id = Field(description="The person's id in the directory.")
    limits: Amounts = Field(
        description="The largest total that this person may accept, by currency; goes before the company's own limits."
    )


class CompanyRules(_Table):
    """One `[[company]]` of the file that APPROVAL_RULES names; without one, a company has the defaults."""

    id: Id = Field(description="The company's id, as in its events.")
    separation_of_duties: Duties = Field(
        default=Duties.WARN,
        description="Whether those who sent or created a commitment are warned before they accept it (`warn`), "
        "may not (`block`), or may (`off`).",
    )
    limits: Amounts | None = Field(
        default=None, description="The largest total that an approver may accept, by currency."
    )
    second_approval: Amounts | None = Field(
        default=None, description="The total above which two approvers have to accept a commitment, by currency."
    )
    approver: tuple[ApproverRules, ...] = Field(default=(), description="`[[company.approver]]`, one for each person.")

    @field_validator("approver")
    @classmethod
    def _named_once(cls, approvers: tuple[ApproverRules, ...]) -> tuple[ApproverRules, ...]:
        people = [each.person for each in approvers]
        if twice := next((each for each in people if people.count(each) > 1), None):
            raise ValueError(f"{twice} is listed more than once; leave one table")
        return approvers

    @property
    def has_limits(self) -> bool:
        """Whether any approver has a limit."""
        return bool(self.limits or self.approver)

    def limit(self, person_id: str, currency: str) -> Decimal | None:
        """The largest total in `currency` that the person may accept, None if there is no limit.

        Whoever has limits has one in every currency: it is 0 where no table names the currency.
        """
        own = next((each.limits for each in self.approver if each.person == person_id), None)
        return _in_first((own, self.limits), currency)

    def limits_of(self, person_id: str) -> Mapping[str, Decimal | None]:
        """The limits of the person in the currencies that the tables name; empty if there is no limit."""
        own = next((each.limits for each in self.approver if each.person == person_id), {})
        return dict(sorted(((self.limits or {}) | own).items()))

    def second_approval_above(self, currency: str) -> Decimal | None:
        """The total in `currency` above which two have to accept; None if one is always enough.

        It is 0 where the company's table does not name the currency.
        """
        return _in_first((self.second_approval,), currency)


class ApprovalRules(_Table):
    """The rules of all companies."""

    company: tuple[CompanyRules, ...] = Field(default=(), description="`[[company]]`, one for each company.")

    def of(self, company_id: str) -> CompanyRules:
        """The company's rules; the defaults if the file does not list it."""
        return next((each for each in self.company if each.id == company_id), None) or CompanyRules(id=company_id)


DEFAULTS = ApprovalRules()
"""The rules without a file."""


def _in_first(tables: tuple[Mapping[str, Decimal | None] | None, ...], currency: str) -> Decimal | None:
    """What the first of `tables` that names `currency` says; without any table None, otherwise 0 if none names it."""
    given = [table for table in tables if table]
    for table in given:
        if currency in table:
            return table[currency]
    return Decimal(0) if given else None
