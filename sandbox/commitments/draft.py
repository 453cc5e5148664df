"""What a person types into the tool, and the commitment made from it, with calculated amounts and total."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sandbox.commitments.problems import Problem, describe
from schemas import limits
from schemas.commitment import Commitment, Person, Project, Vendor
from schemas.examples.cast import ACME, IRONLINE
from schemas.fields import Code, Currency, Id, Kind, Money, Name, Percent, Quantity, Text, Title
from services.pipeline.typed_number import plain_number

TypedMoney = Annotated[Money, BeforeValidator(plain_number)]
TypedQuantity = Annotated[Quantity, BeforeValidator(plain_number)]
TypedPercent = Annotated[Percent, BeforeValidator(plain_number)]
TypedCurrency = Annotated[
    Currency, BeforeValidator(lambda typed: typed.strip().upper() if isinstance(typed, str) else typed)
]

_CENT = Decimal("0.01")
_AMOUNT_LIMIT = Decimal(10) ** 15

VENDORS = {vendor.id: vendor for vendor in (ACME, IRONLINE)}
"""The contract companies that a form offers."""


class DraftError(Exception):
    """What was typed is not a valid commitment; the text says why, and `problems` at which fields."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(each.text for each in problems))
        self.problems = problems


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class _Typed(BaseModel):
    """Typed input, in which an empty field counts as absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, typed: Any) -> Any:
        if not isinstance(typed, Mapping):
            return typed
        return {name: value for name, value in typed.items() if not _is_empty(value)}


class DraftLine(_Typed):
    """One line; its amount is quantity times unit cost, rounded to the cent."""

    cost_code: Code | None = None
    cost_type: Code | None = None
    description: Text | None = None
    quantity: TypedQuantity
    unit: Code | None = None
    unit_cost: TypedMoney
    tax_code: Code | None = None

    @model_validator(mode="after")
    def _has_a_valid_amount(self) -> Self:
        if abs(Decimal(self.quantity) * Decimal(self.unit_cost)) >= _AMOUNT_LIMIT:
            raise ValueError("quantity times unit cost has too many digits")
        return self

    @property
    def amount(self) -> Decimal:
        """Quantity times unit cost, rounded to the cent."""
        return (Decimal(self.quantity) * Decimal(self.unit_cost)).quantize(_CENT, ROUND_HALF_UP)


class Draft(_Typed):
    """A commitment as typed; `total` overrides the sum of the lines, to imitate a faulty tool."""

    number: Name
    title: Title
    kind: Kind = Kind.SUBCONTRACT
    status: Code = "Approved"
    description: Text | None = None
    currency: TypedCurrency = "USD"
    retainage_percent: TypedPercent | None = None
    vendor: Id = Field(description="The vendor's id.")
    lines: Annotated[tuple[DraftLine, ...], Field(max_length=limits.MAX_LINES)] = ()
    total: TypedMoney | None = None

    @classmethod
    def of(cls, commitment: Commitment) -> "Draft":
        """The draft that would make `commitment`."""
        typed = commitment.model_dump(include=set(cls.model_fields) - {"lines", "vendor", "total"})
        lines = [line.model_dump(include=set(DraftLine.model_fields)) for line in commitment.lines]
        return cls.model_validate(typed | {"vendor": commitment.vendor.id, "lines": lines})

    def new_commitment(self, commitment_id: str, *, url: str, creator: Person, project: Project) -> Commitment:
        """Make a new commitment. Raises DraftError if the draft is not a valid one."""
        fixed = {"id": commitment_id, "url": url, "creator": creator, "project": project}
        return self._make(fixed, VENDORS)

    def apply_to(self, commitment: Commitment) -> Commitment:
        """Replace what was typed in `commitment`, and keep members that the tool does not know. Raises DraftError."""
        return self._make(commitment.model_dump(), {commitment.vendor.id: commitment.vendor} | VENDORS)

    def _make(self, present: Mapping[str, Any], vendors: Mapping[str, Vendor]) -> Commitment:
        if self.vendor not in vendors:
            raise DraftError(Problem("Choose a contract company", "vendor"))
        lines = [
            line.model_dump() | {"position": place, "amount": str(line.amount)}
            for place, line in enumerate(self.lines, start=1)
        ]
        total = self.total or str(sum((line.amount for line in self.lines), Decimal("0.00")))
        typed = self.model_dump() | {"vendor": vendors[self.vendor], "lines": lines, "total": total}
        try:
            return Commitment.model_validate({**present, **typed})
        except ValidationError as error:
            raise DraftError(*describe(error)) from error

    def changed_fields(self, commitment: Commitment) -> frozenset[str]:
        """The names of the fields that differ from `commitment`."""
        present = Draft.of(commitment)
        return frozenset(name for name in type(self).model_fields if getattr(self, name) != getattr(present, name))
