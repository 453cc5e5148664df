"""Every outcome that an attempt to carry out an export can have."""

from dataclasses import dataclass

from schemas.commitment import ErpDocument
from schemas.fields import Owner
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown
from services.exporter.rules.about import About


@dataclass(frozen=True, slots=True)
class Undecided:
    """The ERP was asked about an earlier call, and its answer does not show yet whether that call wrote anything."""

    asked: str
    needs_person: bool = False
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NotRepeated:
    """The ERP does not hold the revision after a doubt, and the write is not repeated, but has failed as `refused`."""

    refused: Refused


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was sent, because the lease was about to end."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Our own code or the connector's raised an error before anything was written."""

    message: str


@dataclass(frozen=True, slots=True)
class Overruled:
    """The ERP does not hold the revision, and it is not written, because an approver has rejected it meanwhile."""


@dataclass(frozen=True, slots=True)
class DocumentGone:
    """The ERP no longer has the commitment's document: it refused to update it, and does not list it either."""

    document: ErpDocument
    message: str
    about: About = About()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True, slots=True)
class ConnectionGone:
    """The commitment's document is in an ERP whose connection is no longer configured; nobody was asked."""

    document: ErpDocument
    number: str

    @property
    def message(self) -> str:
        """What has happened, in words."""
        name, connection = self.document.name, self.document.connection
        return f"{name}, the document of {self.number}, is in {connection}, which is no longer configured."


@dataclass(frozen=True, slots=True)
class WrongTerms:
    """The ERP does not take what was ordered, such as the accounting date or a long title; nothing was written."""

    code: str
    message: str
    owner: Owner = Owner.APPROVER
    next_step: str = "Open it on the desk and retry the export with what the ERP takes."
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class WrongEvidence:
    """The ERP does not have the document that an approver named, or has it as another commitment's."""

    message: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The ERP cannot say that the document which an approver named is the right one: a second approver has to."""

    asked: str


Failed = Refused | DocumentGone | ConnectionGone | WrongTerms
"""The outcomes that end a round, until somebody has fixed the cause."""

AttemptOutcome = (
    Landed
    | Failed
    | Transient
    | Unknown
    | Undecided
    | NotRepeated
    | NotSent
    | Broken
    | Overruled
    | WrongEvidence
    | Unconfirmed
)
