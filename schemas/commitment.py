"""The commitment as the project's tool knows it, and the short summary of it that rides on our own events."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from schemas import limits
from schemas.fields import (
    Code,
    Currency,
    ErpId,
    Id,
    Kind,
    Money,
    Name,
    NullIs,
    OptionalEmail,
    Percent,
    Quantity,
    Record,
    Text,
    Title,
    Url,
)


class Person(Record):
    """Somebody who creates, sends, decides or is told."""

    # People ride on many events, which must not grow by the unknown members that one sender added.
    model_config = ConfigDict(extra="ignore")

    id: Id = Field(description="The person's id, unique across companies.")
    name: Name = Field(description="The name that others read.")
    email: OptionalEmail = Field(
        default=None, description="Where mails to this person go; what is not one mail address counts as absent."
    )


class Project(Record):
    """The project that a commitment belongs to."""

    id: Id = Field(description="The project's id, unique across companies.")
    number: Code | None = Field(default=None, description="The project's number, as people say it.")
    name: Name = Field(description="The project's name.")
    erp_job_code: Code | None = Field(default=None, description="The job's code in the ERP, where it is linked.")


class Vendor(Record):
    """The contract company."""

    id: Id = Field(description="The vendor's id in the project's tool.")
    name: Name = Field(description="The vendor's name.")
    erp_code: Code | None = Field(default=None, description="The vendor's code in the ERP, where it is linked.")


class Line(Record):
    """One line of the schedule of values."""

    # Keeping the unknown members of up to 2,000 lines would double the time to read them; the snapshot's text has them.
    model_config = ConfigDict(extra="ignore")

    position: int = Field(strict=True, ge=1, le=limits.MAX_LINES * 10, description="The line's place, from 1.")
    cost_code: Code | None = Field(default=None, description="Cost code, for example 03-300.")
    cost_type: Code | None = Field(default=None, description="Cost type, for example S for subcontract.")
    description: Text | None = Field(default=None, description="What the line is for.")
    quantity: Quantity = Field(description="In `unit`, as a decimal string.")
    unit: Code | None = Field(default=None, description="Unit of measure of the quantity, for example m3.")
    unit_cost: Money = Field(description="In the commitment's currency, as a decimal string.")
    amount: Money = Field(description="In the commitment's currency, as a decimal string.")
    tax_code: Code | None = Field(default=None, description="Tax code, as the ERP knows it.")


class Commitment(Record):
    """A subcontract or purchase order, whole, as it was sent."""

    id: Id = Field(description="Unique across companies; the key of every event about this commitment.")
    number: Name = Field(description="The number that people read, for example SC-014.")
    title: Title = Field(description="What people call the commitment, for example Concrete works.")
    kind: Kind = Field(description="Subcontract or purchase order.")
    status: Code | None = Field(default=None, description="The status in the project's tool, for example Approved.")
    description: Text | None = Field(default=None, description="The scope, in the words of its creator.")
    url: Url = Field(description="Where the commitment opens in the project's tool.")
    currency: Currency = Field(description="ISO 4217 code of every amount in this commitment.")
    total: Money = Field(description="The sum of the lines as the project's tool states it.")
    retainage_percent: Percent | None = Field(default=None, description="Held back from each payment.")
    project: Project = Field(description="The project that the commitment belongs to.")
    vendor: Vendor = Field(description="The contract company.")
    creator: Person = Field(description="Who created the commitment; is told of a rejection.")
    lines: Annotated[tuple[Line, ...], Field(max_length=limits.MAX_LINES), NullIs(())] = Field(
        default=(), description="The schedule of values."
    )


_LINES = TypeAdapter(list[Line])
_PIECE_LINES = 200


def read_commitment(received: dict[str, Any]) -> Commitment:
    """The commitment in a decoded JSON object; ValidationError if it is none.

    Very many lines are read in pieces: as one step of 30 ms, they would keep all other threads waiting.
    """
    lines = received.get("lines")
    if not isinstance(lines, list) or len(lines) <= _PIECE_LINES:
        return Commitment.model_validate(received)
    read: list[Line] = []
    try:
        for begin in range(0, len(lines), _PIECE_LINES):
            read.extend(_LINES.validate_python(lines[begin : begin + _PIECE_LINES]))
    except ValidationError:
        return Commitment.model_validate(received)  # whose error says which line it is
    return Commitment.model_validate({**received, "lines": read})


class ErpDocument(Record):
    """The one document in the ERP that a commitment became."""

    connection: Id = Field(description="The name of the ERP connection that holds the document.")
    id: ErpId = Field(description="The ERP's own id, as the ERP writes it; it may contain spaces.")
    number: Code | None = Field(default=None, description="The number that accountants read.")
    url: Url | None = Field(default=None, description="Where the document opens in the ERP.")

    @property
    def name(self) -> str:
        """What people call it."""
        return document_name(self.number, self.id)

    @property
    def number_key(self) -> str:
        """What its number is compared by; without a number, its id."""
        return id_of_number(self.number or "") or id_of_number(self.id) or self.id

    @property
    def is_known_by_number(self) -> bool:
        """Whether its number stands in for the ERP's id, as in the evidence of a person, who sees no ids."""
        return self.id == self.number_key

    def is_same_as(self, other: "ErpDocument") -> bool:
        """Whether both are one document: the same id, or the same number if only its number is known of one."""
        is_by_number = self.is_known_by_number or other.is_known_by_number
        is_named_so = self.id == other.id or (is_by_number and self.number_key == other.number_key)
        return is_named_so and self.connection == other.connection


def document_name(number: str | None, id_: str) -> str:
    """What people call a document; an id is said to be one, since a bare one reads like a number."""
    return number or f"ID {id_}"


def id_of_number(number: str) -> str:
    """The id of a document of which only `number` is known; spaces do not matter when people write a number."""
    return "-".join(number.split())[: limits.MAX_ID_CHARACTERS]


class Summary(Record):
    """What a mail, a digest or a list shows of a commitment."""

    number: Name = Field(description="The number that people read, for example SC-014.")
    title: Title = Field(description="What people call the commitment.")
    kind: Kind = Field(description="Subcontract or purchase order.")
    project: Name = Field(description="The project's name.")
    vendor: Name = Field(description="The vendor's name.")
    currency: Currency = Field(description="ISO 4217 code of the total.")
    total: Money = Field(description="In `currency`, as a decimal string.")
    creator: Person = Field(description="Who created the commitment.")
    sent_by: Person = Field(description="Who sent this revision.")
    url: Url = Field(description="Where the commitment opens in the project's tool.")
    connection: Id | None = Field(default=None, description="The ERP connection, where it is known.")
    erp: Name | None = Field(
        default=None, description="What people call the ERP of that connection, where it is known."
    )


def summarise(commitment: Commitment, sent_by: Person, connection: str | None = None) -> Summary:
    """The summary of `commitment` as `sent_by` submitted it."""
    return Summary.trusted(
        number=commitment.number,
        title=commitment.title,
        kind=commitment.kind,
        project=commitment.project.name,
        vendor=commitment.vendor.name,
        currency=commitment.currency,
        total=commitment.total,
        creator=commitment.creator,
        sent_by=sent_by,
        url=commitment.url,
        connection=connection,
        erp=None,
    )
