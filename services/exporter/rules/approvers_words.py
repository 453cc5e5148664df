"""What approvers said about documents: which is the commitment's, which no longer, and how it may differ."""

from dataclasses import dataclass

from schemas.commitment import ErpDocument


@dataclass(frozen=True, slots=True)
class Replaced:
    """A document that is no longer the commitment's, and the revision for which an approver said so.

    Once that or a later revision is written to it after all, it is the commitment's again.
    """

    revision: int
    document: ErpDocument
    reopened: int = 0
    is_left: bool = False
    """Whether it stays in an ERP that is no longer configured: the next one is written where the commitment goes."""

    def covers(self, written: tuple[int, int], document: ErpDocument) -> bool:
        """Whether `document`, written as (revision, reopened), is the one that is no longer the commitment's."""
        return written < (self.revision, self.reopened) and self.document.is_same_as(document)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The document in which an approver found a revision in doubt; `number` counts them, from 1.

    A second approver may have confirmed it, or somebody has withdrawn it. `round` is the one in doubt; 0 if not known.
    """

    document: ErpDocument
    number: int = 1
    reopened: int = 0
    is_confirmed: bool = False
    is_withdrawn: bool = False
    round: int = 0

    @property
    def precedence(self) -> tuple[int, int, int]:
        """The later one is kept; what was withdrawn stays so."""
        return self.reopened, self.number, 2 if self.is_withdrawn else int(self.is_confirmed)


@dataclass(frozen=True, slots=True)
class AcceptedDrift:
    """How the document of a revision may differ in the ERP, by the last word of an approver; a higher version is later.

    `told` is what a comparison had found, as a text.
    """

    version: int
    revision: int
    reopened: int
    told: str | None
