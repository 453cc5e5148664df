"""Orders to export again, which repeat the approved content, and the verdicts that answers end in."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from schemas.commitment import ErpDocument, Person
from schemas.decision_chain import Decision
from schemas.erp_limits import long_memo
from schemas.events import DecisionAccepted, ErpConnection, LimitsProfile, UnlinkedDocument
from schemas.limits import MAX_UNLINKED_DOCUMENTS
from schemas.snapshot import Snapshot
from services.approval.rules.answers import AlreadyGranted, Blocked, Conflict, ExportAgain, Retry, Settle, Unacceptable
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.controls import ALONE, Mandate
from services.approval.rules.erp import erp_title
from services.approval.rules.facts import Terms, canonical
from services.approval.rules.finding import Finding
from services.approval.rules.guards import is_content
from services.approval.rules.terms import WrongTerm, wrong_terms

Repeat = Retry | ExportAgain | Settle
Verdict = Decision | AlreadyGranted | Blocked | Unacceptable | Conflict | None
"""A decision grants the answer; None refuses it, because the commitment has changed since the approver saw it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about an answer before it is judged, as in `carry_out`."""

    snapshot: Snapshot | None = None
    findings: tuple[Finding, ...] = ()
    wrong_terms: tuple[WrongTerm, ...] = ()
    objection: str = ""
    mandate: Mandate = ALONE

    def obstacle(self, current: CurrentStatus) -> Blocked | Unacceptable | None:
        """Why an order cannot be given although the commitment is where it should be; None if it can."""
        if self.wrong_terms:
            return Unacceptable(current, self.wrong_terms)
        blocking = tuple(finding for finding in self.findings if finding.is_blocking)
        if blocking and all(finding.mended_by for finding in blocking):
            return Unacceptable(current, tuple(WrongTerm(each.mended_by, _asks_for_term(each)) for each in blocking))
        return Blocked(current, blocking) if blocking else None


def _asks_for_term(finding: Finding) -> str:
    return f"Give a document number that the ERP takes. {finding.text.removesuffix('.')}"


def order_again(
    facts: CommitmentFacts,
    current: CurrentStatus,
    by: Person,
    checked: Checked,
    terms: Terms,
    *,
    why: str | None = None,
    replaces: ErpDocument | None = None,
    updates: ErpDocument | None = None,
    moves: bool = False,
    reopened: int | None = None,
) -> Verdict:
    """Order the next round of the approved content, unless that is not known yet, as in a restored database."""
    approved = facts.approved
    if not (approved and approved.revision == current.revision and is_content(checked.snapshot, approved.content_hash)):
        return None
    if obstacle := checked.obstacle(current):
        return obstacle
    return DecisionAccepted(
        **about(facts, current),
        round=next_round(facts, current),
        content_hash=approved.content_hash,
        commitment=checked.snapshot,
        decided_by=by,
        sent_by=approved.sent_by,
        erp_code=terms.erp_code,
        accounting_date=terms.accounting_date,
        note=terms.note,
        why=why,
        replaces=replaces,
        moves=moves,
        updates=updates,
        unlinked=unlinked_before(facts),
        reopened=current.reopened if reopened is None else reopened,
    )


def terms_of(facts: CommitmentFacts, answer: Repeat) -> Terms:
    """What is asked of the ERP: what `answer` says, and where that says nothing, what was approved."""
    said, approved = answer.model_fields_set, facts.approved
    known = approved.terms if approved and approved.revision == answer.revision else Terms()
    return Terms(
        answer.erp_code if "erp_code" in said else known.erp_code,
        answer.accounting_date if "accounting_date" in said else known.accounting_date,
        answer.erp_note if "erp_note" in said else known.note,
    )


def wrong_terms_again(
    facts: CommitmentFacts, answer: Repeat, erp: ErpConnection | None, today: date
) -> tuple[WrongTerm, ...]:
    """What `erp` does not take, or no longer, of what is asked with `answer`, where it is `today` for the approver."""
    terms, limits, title = terms_of(facts, answer), erp.limits if erp else LimitsProfile(), erp_title(erp)
    wrong = wrong_terms(
        limits, title, today, erp_code=terms.erp_code, accounting_date=terms.accounting_date, note=terms.note
    )
    found = [replace(each, member="erp_note") if each.member == "note" else each for each in wrong]
    long = long_memo(terms.note, facts.id, answer.revision, limits, title, _reopened(facts, answer))
    return (*found, WrongTerm("erp_note", long.removesuffix("."))) if long else tuple(found)


def _reopened(facts: CommitmentFacts, answer: Repeat) -> int:
    """How often the revision will have been reopened."""
    known = facts.ruling.reopened if facts.ruling else 0
    return known + 1 if isinstance(answer, ExportAgain) else known


def unlinked_before(facts: CommitmentFacts) -> tuple[UnlinkedDocument, ...]:
    """What is no longer the commitment's, for the exporter: it may read an order before the rejection that said so.

    An ERP is left by an order, and orders are read one after the other.
    """
    unlinked = (each for each in facts.replaced if not each.is_left)
    ordered = sorted(unlinked, key=lambda each: (each.revision, each.reopened, canonical(each)))
    return tuple(
        UnlinkedDocument(document=each.document, revision=each.revision, reopened=each.reopened)
        for each in ordered[-MAX_UNLINKED_DOCUMENTS:]
    )


def next_round(facts: CommitmentFacts, current: CurrentStatus) -> int:
    """The round after all that are known of the current revision; a success belongs to no round."""
    is_approved = facts.approved is not None and facts.approved.revision == current.revision
    return max(current.round, facts.approved.round if facts.approved and is_approved else 0) + 1


def about(facts: CommitmentFacts, current: CurrentStatus) -> dict[str, Any]:
    """The members that every decision on the current revision has."""
    return {
        "company_id": facts.company_id,
        "project_id": current.submitted.project_id,
        "commitment_id": facts.id,
        "revision": current.revision,
    }
