"""The responses of the JSON API; the answers that it accepts are in `rules/answers.py`."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Change
from schemas.fields import FailureClass, Ribbon, Status, ToolLevel
from services.approval.rules.approval_rules import Duties
from services.approval.storage.views import DeskView
from services.approval.web.api import examples
from services.approval.web.api.problems import Findings
from services.pipeline.legible import legible

Words = Annotated[str, AfterValidator(legible)]
"""A text for people to read, made here or taken over: it has no hidden characters, which contents keep."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class DriftState(_Model):
    """How the ERP's document differs from what was exported."""

    version: int = Field(description="What an answer about it must name.")
    at: datetime = Field(description="When the ERP was asked.")
    is_missing: bool = Field(description="Whether the ERP no longer has the document.")
    differences: tuple[Change, ...] = Field(description="`before` as exported, `after` as the ERP has it.")


class EvidenceState(_Model):
    """The document that an approver named for an export in doubt."""

    number: int = Field(description="What a confirmation must name.")
    document: ErpDocument
    found_by: Person | None
    confirmed_by: Person | None = Field(description="The second approver, once there is one.")
    asked: str | None = Field(description="What the ERP said when it was asked, unless it has not been asked yet.")
    needs_confirmation: bool = Field(description="Whether it counts only once a second approver has confirmed it.")


class WaitingState(_Model):
    """The line before an ERP that cannot be called, but whose client asks for work."""

    connection: str = Field(description="The ERP connection that it waits for.")
    erp: Words = Field(description="What people call that ERP.")
    place: int = Field(description="Its place in the line, 1 for the next one.")
    last_asked: datetime | None = Field(description="When the client last asked for work; null if it never did.")
    every_seconds: int = Field(description="How often the client is expected to ask.")
    is_away: bool = Field(description="Whether the client has stayed away for longer than expected.")
    trouble: Words | None = Field(description="Why the client could do nothing when it last asked, in words.")
    message: Words = Field(description="All of it in words, with times where you are.")


class FirstApprovalState(_Model):
    """The approval of the first of two approvers."""

    by: Person
    at: datetime
    note: str | None


class QuestionState(_Model):
    """A question to the sender, and the answer."""

    revision: int
    number: int
    question: str
    asked_by: Person
    asked_at: datetime
    answer: str | None = Field(description="Null until the sender has answered by the link in the mail.")
    answered_by: Person | None
    answered_at: datetime | None


class DelegationState(_Model):
    """An amount limit that an approver has handed to another one."""

    model_config = examples.shown(examples.DELEGATION)

    id: str
    owner: Person = Field(description="Whose limit it is.")
    to: Person = Field(description="Who may use it.")
    first_day: date = Field(description="The first day on which it holds, where its owner is.")
    last_day: date
    is_in_force: bool = Field(description="Whether it holds now; not if one of the two is no approver any more.")


class CommitmentState(_Model):
    """The status of a commitment."""

    model_config = examples.shown(examples.STATE)

    id: str
    project_id: str
    status: Status
    ribbon: Ribbon
    editable: bool = Field(description="Whether the project's tool may edit it now.")
    locked_fields: tuple[str, ...]
    message: Words = Field(description="What the status means, in words.")
    revision: int = Field(description="The revision that the status refers to.")
    waiting_revision: int | None = Field(description="A newer revision that waits for the outcome of this one.")
    round: int = Field(description="The export round; 0 if it was never exported.")
    reopened: int = Field(description="How often the revision was reopened after it had been in the ERP.")
    content_hash: str | None = Field(description="The hash that an answer must name; null if the content is disputed.")
    since: datetime
    failure_class: FailureClass | None
    failure_code: str | None = Field(description="The code of the failure, the ERP's or ours; null without one.")
    missing_document: ErpDocument | None = Field(
        description="The document that the ERP no longer has, or, with the failure code `unknown_connection`, whose "
        "ERP is no longer configured; a retry that names its id as `replaces` creates it anew, in the ERP that takes "
        "it now."
    )
    erp_document: ErpDocument | None
    left_documents: tuple[ErpDocument, ...] = Field(
        description="Its former documents in ERPs that are no longer configured, where they stay as they are."
    )
    waiting: WaitingState | None = Field(
        default=None,
        description="While it is exporting to an ERP whose client asks for work; null otherwise, and in the response "
        "to an answer.",
    )
    evidence: EvidenceState | None = Field(
        description="What an approver found in the ERP, while that is being confirmed; null otherwise."
    )
    drift: DriftState | None = Field(description="How it differs in the ERP; null if it does not, or was accepted.")
    questions: tuple[QuestionState, ...] = Field(
        default=(), description="What approvers asked its sender last, all about one revision."
    )
    first_approval: FirstApprovalState | None = Field(
        description="Who approved it, where a second approver has to accept it; null once that is done, or void."
    )
    summary: Summary


class CommitmentPage(_Model):
    """A page of a view, in the order that was asked for."""

    model_config = examples.shown(examples.PAGE)

    items: tuple[CommitmentState, ...]
    next_after: str | None = Field(
        description="Pass it as `after` to get the next page; null at the end. A page of a filtered list may "
        "have few items, or none, before the end."
    )
    behind_seconds: int | None = Field(
        description="How far this list is behind what was published: newer commitments may be missing. Null while it "
        "is not, or by less than two minutes."
    )
    counts: dict[DeskView, int] = Field(description="How many commitments each view holds, whatever the filter.")


class SubmittedContent(_Model):
    """One content that was sent as the current revision."""

    content_hash: str
    sent_by: Person
    sent_at: datetime
    note: str | None
    commitment: dict[str, object] = Field(description="The snapshot as it was received.")
    findings: Findings = Field(description="What the approver has to know; blocking ones prevent acceptance.")


class CommitmentDetail(CommitmentState):
    """One commitment with everything that an approver reads before answering."""

    model_config = examples.shown(examples.DETAIL)

    submissions: tuple[SubmittedContent, ...]
    changes: tuple[Change, ...] = Field(description="What changed since the previous revision.")


class ReasonTemplateState(_Model):
    """A reason for rejecting that the company keeps."""

    model_config = examples.shown(examples.KEPT_REASON)

    id: str
    title: str
    text: str
    created_by: Person = Field(description="Who added it, or changed it last.")
    at: datetime = Field(description="When.")


class RightState(_Model):
    """An entry of the company's directory about a person."""

    name: str
    value: str
    allows: str = Field(description="What it allows on ERP Integrations, in words.")


def _plain(amounts: Mapping[str, Decimal | str | None] | None) -> dict[str, str | None] | None:
    if amounts is None:
        return None
    return {currency: None if each is None else f"{Decimal(each):f}" for currency, each in amounts.items()}


Amounts = Annotated[dict[str, str | None] | None, BeforeValidator(_plain)]
"""Decimal strings by currency; `limits` and the like say what null and a missing currency mean."""


class DelegatedAmountsState(_Model):
    """The limits of another approver that the sender may use."""

    owner: Person
    until: date = Field(description="The last day on which they can be used, where their owner is.")
    limits: Amounts = Field(description="As `limits` of the sender.")


class AcceptingState(_Model):
    """By which rules of their company the sender accepts."""

    separation_of_duties: Duties = Field(
        description="Whether they are warned before they accept what they sent or created, may not, or are not told."
    )
    limits: Amounts = Field(
        description="The largest total by currency; null in it is no limit, and a currency that is missing counts as "
        "0. Null where the company has no limits."
    )
    second_approval_above: Amounts = Field(
        description="Above which total a second approver has to accept as well, likewise; null where one is enough."
    )
    delegated: tuple[DelegatedAmountsState, ...]
    words: tuple[str, ...] = Field(description="All of it in sentences.")


class Me(_Model):
    """The person who sent the request, and what they may do."""

    model_config = examples.shown(examples.ME)

    id: str
    name: str
    company_id: str
    is_accounting_approver: bool
    erp_tool: ToolLevel = Field(description="Level on ERP Integrations.")
    can_push_to_accounting: bool = Field(description="The privilege that answers need besides the level.")
    commitments_tool: dict[str, ToolLevel] = Field(description="Level on the Commitments tool, by project id.")
    rights: tuple[RightState, ...] = Field(description="What each of these allows, in words.")
    missing_to_view: tuple[str, ...] = Field(description="What they lack to view commitments; empty if they may.")
    missing_to_answer: tuple[str, ...] = Field(
        description="What they lack to accept, reject, retry and settle; empty if they may."
    )
    accepting: AcceptingState | None = Field(
        description="By which rules of the company they accept; null for somebody who is no accounting approver."
    )
