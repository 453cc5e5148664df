"""A story: who acts, what does not fit together, everything that happened in its order, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from schemas.story import DigestPart, ExporterPart, NotifierPart, Part, Place, Told
from services.approval.rules.story.part import ApprovalPart

OPERATOR = "Countersign's operator"


def named(service: str) -> str:
    """What people call a service, at the beginning of a sentence."""
    return "Approval" if service == "approval" else f"The {service}"


class Trouble(Told):
    """Something that does not fit together, or does not go on by itself, with who does what about it."""

    text: str = Field(description="What it is, in plain words.")
    who: str
    what: str
    since: datetime | None = None
    holds_up: bool = Field(default=False, description="Whether the commitment waits until somebody has acted on it.")
    details: str | None = Field(default=None, description="For operators: topic, partition and figures.")
    command: str | None = Field(default=None, description="For operators: what to run.")


class Moment(Told):
    """Something that happened, told by a service; several times in a row if `times` is above 1."""

    at: datetime
    service: str
    text: str
    place: Place | None = None
    times: int = 1
    last_at: datetime | None = None


class Upcoming(Told):
    """Something that happens by itself; overdue if `at` is in the past."""

    at: datetime
    service: str
    text: str


class MissingPart(Told):
    """A service of whose part nothing is known, or only the end, and why."""

    service: str
    text: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What each service told; None where it told nothing.

    `unreadable` are the rows that approval cannot read, where that is why it has no part.
    """

    approval: ApprovalPart | None = None
    exporter: ExporterPart | None = None
    notifier: NotifierPart | None = None
    digest: DigestPart | None = None
    unreadable: Sequence[str] = ()

    @property
    def by_service(self) -> Sequence[tuple[str, Part]]:
        """Those that are there, each with the name of its service."""
        named = (
            ("approval", self.approval),
            ("exporter", self.exporter),
            ("notifier", self.notifier),
            ("digest", self.digest),
        )
        return [(name, part) for name, part in named if part is not None]


class Story(Told):
    """The story of one commitment; `timeline` is oldest first."""

    commitment_id: str
    as_of: datetime
    who: str = Field(description="Who acts next.")
    step: str = Field(description="What they do.")
    troubles: tuple[Trouble, ...]
    upcoming: tuple[Upcoming, ...]
    timeline: tuple[Moment, ...]
    missing: tuple[MissingPart, ...]
