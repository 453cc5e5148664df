"""Which of a company's ERP connections a commitment goes to: one rule for the exporter, and for the desk that shows it.

The connections stand in an order. The first one that takes the commitment gets it. One without conditions takes every
commitment of its companies, so it belongs behind those with conditions.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from schemas.commitment import Commitment
from schemas.fields import Kind


class Destination(Protocol):
    """A connection, as far as it decides what goes to it; an empty condition is none."""

    @property
    def name(self) -> str:
        """The connection's name."""
        ...

    @property
    def companies(self) -> Sequence[str]:
        """The ids of the companies that export through it."""
        ...

    @property
    def projects(self) -> Sequence[str]:
        """The ids or numbers of the projects that it takes."""
        ...

    @property
    def currencies(self) -> Sequence[str]:
        """The currencies that it takes."""
        ...

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds of commitment that it takes."""
        ...


DestinationT = TypeVar("DestinationT", bound=Destination)


@dataclass(frozen=True, slots=True)
class Routed:
    """A commitment, as far as it decides where it goes."""

    company_id: str
    project_id: str
    project_number: str | None
    currency: str
    kind: Kind

    @classmethod
    def of(cls, company_id: str, commitment: Commitment) -> "Routed":
        """What decides where `commitment` of this company goes."""
        project = commitment.project
        return cls(company_id, project.id, project.number, commitment.currency, commitment.kind)


def destination(routed: Routed, connections: Sequence[DestinationT]) -> DestinationT | None:
    """The first of `connections` that takes the commitment; None if none does."""
    return next((each for each in connections if _takes(each, routed)), None)


def reasons(routed: Routed, taken_by: Destination) -> tuple[str, ...]:
    """The conditions by which `taken_by` takes the commitment, in words; empty if it takes all of the company."""
    return tuple(
        words
        for is_asked, words in (
            (taken_by.projects, f"project {routed.project_number or routed.project_id}"),
            (taken_by.currencies, f"currency {routed.currency}"),
            (taken_by.kinds, f"kind {routed.kind.value.replace('_', ' ')}"),
        )
        if is_asked
    )


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A connection that gets nothing of a company, because an earlier one takes all that it asks for."""

    name: str
    company: str
    by: str


def shadowed(connections: Sequence[Destination]) -> Iterator[Shadowed]:
    """Yield every connection and company that nothing can reach, with the earlier connection that is in its way."""
    taking: dict[str, list[Destination]] = {}
    for later in connections:
        for company in later.companies:
            before = taking.setdefault(company, [])
            yield from (Shadowed(later.name, company, earlier.name) for earlier in before if _covers(earlier, later))
            before.append(later)


def _takes(connection: Destination, routed: Routed) -> bool:
    return (
        routed.company_id in connection.companies
        and _meets(connection.projects, routed.project_id, routed.project_number)
        and _meets(connection.currencies, routed.currency)
        and _meets(connection.kinds, routed.kind)
    )


def _meets(condition: Collection[str], *values: str | None) -> bool:
    return not condition or any(value in condition for value in values)


def _covers(earlier: Destination, later: Destination) -> bool:
    """Whether `earlier` takes every commitment of a common company that `later` would take."""
    return all(
        not wide or (narrow and set(narrow) <= set(wide))
        for wide, narrow in (
            (earlier.projects, later.projects),
            (earlier.currencies, later.currencies),
            (earlier.kinds, later.kinds),
        )
    )
