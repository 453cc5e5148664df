"""The answers that an approver may give, as the API or a form builds them, and the results of an answer."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.commitment import ErpDocument
from schemas.fields import (
    Code,
    ContentHash,
    Count,
    Day,
    ErpId,
    ExportRound,
    Note,
    QuestionText,
    Reason,
    Revision,
    Version,
)
from services.approval.rules.commitment import CurrentStatus
from services.approval.rules.event_handlers import Handled
from services.approval.rules.finding import Finding
from services.approval.rules.named_document import NamedDocument, read_named
from services.approval.rules.terms import WrongTerm
from services.pipeline.legible import seen

_Reason = Annotated[Reason, BeforeValidator(seen)]
_Question = Annotated[QuestionText, BeforeValidator(seen)]
_Note = Annotated[Note, BeforeValidator(seen)]
_Why = Annotated[_Note, Field(min_length=1)]
_Named = Annotated[ErpDocument, BeforeValidator(read_named, json_schema_input_type=NamedDocument)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: Revision


class Accept(_Answer):
    """Accept exactly the content that was read."""

    content_hash: ContentHash
    erp_code: Code | None = Field(
        default=None, description="The document number to ask the ERP for, within the limits of its connection."
    )
    accounting_date: Day | None = Field(
        default=None, description="The day to book it on, within the limits of the ERP's connection."
    )
    note: _Note | None = None


class Reject(_Answer):
    """Give the revision back to its project, with a reason; a synced one has to be unlinked from its document."""

    content_hash: ContentHash
    reason: _Reason
    unlinks: ErpId | None = Field(
        default=None,
        description="The id of the document in the ERP that is no longer this commitment's: the next one is new, "
        "unless it has another.",
    )


class _Repeat(_Answer):
    """Order the approved content once more; what is asked of the ERP stays as it was approved where it is left out."""

    erp_code: Code | None = Field(
        default=None, description="The document number to ask the ERP for. Absent: as approved; null: none."
    )
    accounting_date: Day | None = Field(
        default=None, description="The day to book it on. Absent: as approved; null: the ERP's own choice."
    )
    erp_note: _Note | None = Field(
        default=None, description="The note in the ERP's memo. Absent: as approved; null: none."
    )


class Retry(_Repeat):
    """Retry a failed export, or create anew a document that the ERP no longer has."""

    round: ExportRound = Field(description="The round that failed.")
    replaces: ErpId | None = Field(
        default=None,
        description="The id of the document that the ERP no longer has, or whose ERP is no longer configured, as in "
        "`missing_document`: create it anew.",
    )


class ExportAgain(_Repeat):
    """Write a synced revision to the ERP once more: to its document, or to a new one in place of that."""

    reopened: Count = Field(description="How often it was reopened before, as it was read.")
    document: ErpId = Field(description="The id of its document in the ERP, as it was read.")
    replaces: bool = Field(
        default=False,
        strict=True,
        description="Whether the document is no longer this commitment's: it was deleted, or was never its own. "
        "Another of its documents is written to then; if it has none, a new one is created.",
    )
    version: Version | None = Field(
        default=None,
        description="That of the comparison that was read, where the document differs in the ERP; the order is refused "
        "if it differs in another way by now, or no longer.",
    )
    note: _Why = Field(description="Why, in words.")


class AcceptDrift(_Answer):
    """Leave the ERP's document as it is, although it differs from what was exported, or is missing."""

    version: Version = Field(description="That of the comparison that was read.")
    note: _Why = Field(description="Why the ERP is right, in words.")


class Settle(_Repeat):
    """Settle an export in doubt: with the document found in the ERP, or without, as not there."""

    round: ExportRound = Field(description="The round in doubt.")
    document: _Named | None = Field(default=None, description="Absent: nothing is in the ERP, export again.")
    note: _Why = Field(description="The evidence, in words.")


class Confirm(_Answer):
    """Say whether the document that another approver named is this commitment's, where the ERP could not say so."""

    round: ExportRound = Field(description="The round in doubt.")
    evidence: ExportRound = Field(description="The number of the evidence, as it was read in `evidence`.")
    agrees: bool = Field(
        strict=True,
        description="True confirms it: only somebody else than who named it may. False withdraws it: the export is in "
        "doubt again, and can be settled in another way.",
    )
    note: _Why = Field(description="What you looked at, in words.")


class Ask(_Answer):
    """Ask the sender about a revision that waits; it goes on waiting."""

    content_hash: ContentHash
    question: _Question = Field(description="What the sender gets by mail, with a link to answer.")


Answer = Accept | Reject | Retry | ExportAgain | AcceptDrift | Settle | Confirm


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer is valid: save facts and rows, publish the decision and the status."""

    decided: Handled


@dataclass(frozen=True, slots=True)
class AlreadyGranted:
    """The same person gave the same answer before."""

    current: CurrentStatus


@dataclass(frozen=True, slots=True)
class Blocked:
    """Findings prevent acceptance."""

    current: CurrentStatus
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """The ERP does not take what the approver asked for."""

    current: CurrentStatus
    problems: tuple[WrongTerm, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The commitment has changed since the approver saw it, or its document cannot be this; `explanation` says why."""

    current: CurrentStatus | None
    explanation: str


AnswerResult = Granted | AlreadyGranted | Blocked | Unacceptable | Conflict
"""All but Granted change nothing."""
