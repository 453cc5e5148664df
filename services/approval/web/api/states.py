"""What the API shows of a commitment, and of the result of an answer."""

import orjson

from services.approval.judging import Answered
from services.approval.rules.answers import Blocked, Conflict, Unacceptable
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status, standing_approval
from services.approval.rules.guards import missing_document
from services.approval.rules.questions import AskedQuestion
from services.approval.rules.status import EDITABLE, RIBBONS, locked_fields, message, summary
from services.approval.storage.reviews import Review
from services.approval.web.api.models import (
    CommitmentDetail,
    CommitmentState,
    DriftState,
    EvidenceState,
    FirstApprovalState,
    QuestionState,
    SubmittedContent,
    WaitingState,
)
from services.approval.web.api.problems import InvalidMember, ProblemError


def etag_of(facts: CommitmentFacts) -> str:
    """Return what names the state of a commitment: another one after each change."""
    return f'"{facts.status_version}"'


def not_found(commitment_id: str) -> ProblemError:
    """Return the problem that the company has no such commitment."""
    return ProblemError(404, f"Your company has no commitment {commitment_id!r} in ERP Integrations.")


def after_answer(answered: Answered) -> CommitmentState:
    """Return the state after an answer, or raise the problem that prevented it."""
    current = current_status(answered.facts)
    state = state_of(answered.facts, current) if current else None
    match answered.result:
        case Blocked(_, findings):
            words = " ".join(finding.text for finding in findings)
            raise ProblemError(409, words, findings=findings)
        case Unacceptable(_, problems):
            errors = [InvalidMember(member=each.member, message=each.text) for each in problems]
            raise ProblemError(422, f"{'; '.join(each.text for each in problems)}.", errors=errors)
        case Conflict(_, explanation):
            raise ProblemError(409, explanation, commitment=state and state.model_dump(mode="json"))
    if state is None:
        raise not_found(answered.facts.id)
    return state


def state_of(facts: CommitmentFacts, current: CurrentStatus, waiting: WaitingState | None = None) -> CommitmentState:
    """Return the state of a commitment; `waiting` is its place before an ERP that asks for work."""
    failure = current.ruling.failure if current.ruling else None
    hashes, first = facts.hashes, standing_approval(facts)
    return CommitmentState(
        id=facts.id,
        project_id=current.submitted.project_id,
        status=current.status,
        ribbon=RIBBONS[current.status],
        editable=current.status in EDITABLE,
        locked_fields=locked_fields(facts),
        message=message(facts, current),
        revision=current.revision,
        waiting_revision=current.waiting_revision,
        round=current.round,
        reopened=current.reopened,
        content_hash=next(iter(hashes)) if len(hashes) == 1 else None,
        since=current.since,
        failure_class=failure and failure.failure_class,
        failure_code=failure and failure.code,
        missing_document=missing_document(current),
        erp_document=facts.document,
        left_documents=facts.left_documents,
        waiting=waiting,
        evidence=_evidence(facts, current),
        drift=facts.open_drift and DriftState.model_validate(facts.open_drift),
        first_approval=first and FirstApprovalState.model_validate(first),
        questions=tuple(map(_question, facts.asked)),
        summary=summary(facts, current),
    )


def _question(asked: AskedQuestion) -> QuestionState:
    question, reply = asked.question, asked.reply
    return QuestionState(
        revision=question.revision,
        number=question.number,
        question=question.text,
        asked_by=question.by,
        asked_at=question.at,
        answer=reply and reply.text,
        answered_by=reply and reply.by,
        answered_at=reply and reply.at,
    )


def _evidence(facts: CommitmentFacts, current: CurrentStatus) -> EvidenceState | None:
    ruling, check = current.ruling, facts.open_check
    if ruling is None or ruling.settled_as is None:
        return None
    return EvidenceState(
        number=ruling.evidence,
        document=ruling.settled_as,
        found_by=ruling.by,
        confirmed_by=ruling.confirmed_by,
        asked=check.asked if check else None,
        needs_confirmation=check is not None and not check.is_asked_again,
    )


def document(found: Review, waiting: WaitingState | None) -> str:
    """Return one commitment with everything that an approver reads before answering, as JSON."""
    return _detail(found, waiting).model_dump_json()


def _detail(found: Review, waiting: WaitingState | None) -> CommitmentDetail:
    submissions = tuple(
        SubmittedContent(
            content_hash=each.row.content_hash,
            sent_by=each.row.sent_by,
            sent_at=each.row.sent_at,
            note=each.row.note,
            commitment=orjson.loads(each.row.text),
            findings=each.findings,
        )
        for each in found.submissions
    )
    state = state_of(found.facts, found.current, waiting)
    return CommitmentDetail(**dict(state), submissions=submissions, changes=tuple(found.changes))
