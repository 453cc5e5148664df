"""Carries out an approver's answer in one transaction on the commitment's row, and publishes the decision."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from schemas.commitment import Commitment, ErpDocument
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import Status
from schemas.snapshot import Snapshot
from schemas.zones import zone_info
from services.approval.rules.accepting import asked_terms
from services.approval.rules.answers import (
    Accept,
    Answer,
    AnswerResult,
    Conflict,
    ExportAgain,
    Granted,
    Reject,
    Retry,
    Settle,
)
from services.approval.rules.approval_rules import DEFAULTS, ApprovalRules, CompanyRules
from services.approval.rules.checks import findings_on_repeat, not_mended, note_findings
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts, current_status, standing_approval
from services.approval.rules.conflicts import held_by
from services.approval.rules.controls import ALONE, Authority, Mandate, mandate
from services.approval.rules.erp import erp_title, target_erp
from services.approval.rules.evidence import document_in_erp, names_in_erp, objection
from services.approval.rules.finding import Finding
from services.approval.rules.leaving import objection_to_leaving
from services.approval.rules.orders import terms_of, wrong_terms_again
from services.approval.rules.terms import WrongTerm, wrong_terms
from services.approval.storage import audit, directory, documents, marks, queries, reviews, submissions
from services.approval.storage.authorities import authority_of
from services.approval.storage.store import CommitmentStore
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction
from services.pipeline.fold import StateChange
from services.pipeline.outbox import Outbox, Written
from services.pipeline.writes import Writes


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of an answer, and the facts after it."""

    result: AnswerResult
    facts: CommitmentFacts


class OutdatedError(Exception):
    """The commitment is not in one of the states that the answer was bound to; `facts` are what it is now."""

    def __init__(self, facts: CommitmentFacts) -> None:
        super().__init__(facts.id)
        self.facts = facts


_ORDERS = (Accept, Retry, ExportAgain, Settle)


class Decisions:
    """Carries out the answers of approvers."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        require_caught_up: Callable[[], None],
        rules: ApprovalRules = DEFAULTS,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._require_caught_up = require_caught_up
        self._rules = rules
        self._store = CommitmentStore()

    async def answer(
        self,
        commitment_id: str,
        who: DirectoryPerson,
        answer: Answer,
        traceparent: str | None = None,
        *,
        versions: Collection[int] | None = None,
    ) -> Answered | None:
        """Carry out `answer` by `who`, an approver; None if their company has no such commitment.

        With `versions`, only if the commitment's status has one of them: else OutdatedError, unless the same answer was
        given before. Raises CatchingUpError, and records nothing, until everything that was decided before is known.
        """
        self._require_caught_up()
        async with self._database.begin() as db:
            if await queries.find(db, who.company_id, commitment_id) is None:
                return None
            facts = (await self._store.load(db, [commitment_id]))[commitment_id]
            judged = await self.judge(db, facts, who, answer, traceparent)
            if isinstance(judged.result, Granted):
                if versions is not None and facts.status_version not in versions:
                    raise OutdatedError(facts)
                written = await record(db, self._store, self._outbox, facts, judged.result)
        if not isinstance(judged.result, Granted):
            return judged
        crash_at("approval.after_decision")
        self._outbox.hand_over(written)
        return Answered(judged.result, judged.result.decided.state)

    async def judge(
        self, db: Transaction, facts: CommitmentFacts, who: DirectoryPerson, answer: Answer, traceparent: str | None
    ) -> Answered:
        """Return the result of `answer` as the next decision on a commitment that is locked; `record` writes it."""
        last = await audit.last_decision(db, facts.id)
        return await self._judged(db, facts, who, answer, traceparent, last)

    async def check(self, db: Transaction, facts: CommitmentFacts, who: DirectoryPerson, answer: Answer) -> Answered:
        """Return what `answer` by `who` to a commitment of their company would do now, without recording it."""
        return await self._judged(db, facts, who, answer, None)

    def rules_of(self, company_id: str) -> CompanyRules:
        """Return the rules of the company."""
        return self._rules.of(company_id)

    async def authority(self, db: Transaction, who: DirectoryPerson) -> Authority | None:
        """Return what `who` may accept by the rules of their company; None if they are no approver."""
        return await authority_of(db, who, self.rules_of(who.company_id), utc_now())

    async def _judged(
        self,
        db: Transaction,
        facts: CommitmentFacts,
        who: DirectoryPerson,
        answer: Answer,
        traceparent: str | None,
        last: tuple[int, str] | None = None,
    ) -> Answered:
        erps = await directory.erps_of_company(db, who.company_id)
        context = replace(_context(facts, who, erps, traceparent), last=last)
        if isinstance(answer, Accept | Reject) and (held := await _held_by_other(db, facts, who, answer, context)):
            return Answered(held, facts)
        authority = await self.authority(db, who) if isinstance(answer, Accept) else None
        snapshot, findings = await _exported(db, who.company_id, facts, answer, erps, authority)
        result = carry_out(
            facts,
            answer,
            context,
            snapshot=snapshot,
            findings=findings,
            wrong_terms=_wrong_terms(facts, answer, context, erps, snapshot),
            objection=await _objection(db, who.company_id, facts, answer, erps),
            mandate=_mandate(facts, snapshot, authority),
        )
        return Answered(result, facts)


async def record(
    db: Transaction, store: CommitmentStore, outbox: Outbox, before: CommitmentFacts, granted: Granted
) -> Written:
    """Write what was granted: facts, rows, and the events to publish."""
    decided = granted.decided
    writes = Writes()
    requests = await store.save(db, writes, [StateChange(before.id, before, decided.state, decided.rows)])
    written = await outbox.write(writes, [*decided.publish, *requests])
    await writes.execute(db)
    crash_at("approval.before_decision_commit")
    return written


def _mandate(facts: CommitmentFacts, snapshot: Snapshot | None, authority: Authority | None) -> Mandate:
    current = current_status(facts)
    if not (current and snapshot and authority):
        return ALONE
    return mandate(snapshot.commitment, current.summary.sent_by, authority, standing_approval(facts))


def _context(
    facts: CommitmentFacts, who: DirectoryPerson, erps: Sequence[ErpConnection], traceparent: str | None
) -> AnswerContext:
    erp = target_erp(facts, erps)
    zone, title = zone_info(who.time_zone), erp.title if erp else None
    return AnswerContext(who.as_person, zone, utc_now(), traceparent, erp=title)


async def _held_by_other(
    db: Transaction, facts: CommitmentFacts, who: DirectoryPerson, answer: Accept | Reject, context: AnswerContext
) -> Conflict | None:
    """Return the conflict with what somebody else has accepted and can still undo; None if nobody has."""
    current = current_status(facts)
    person_id, mark = (await marks.held(db, who.company_id, [facts.id])).get(facts.id, (who.person_id, None))
    if mark is None or current is None or person_id == who.person_id:
        return None
    if not current.revision == answer.revision == mark.revision or current.status is not Status.READY:
        return None
    person = await directory.person(db, person_id)
    name = person.name if person else "An accounting approver"
    return Conflict(current, held_by(current, name, mark.at, context.now, context.zone))


def _wrong_terms(
    facts: CommitmentFacts,
    answer: Answer,
    context: AnswerContext,
    erps: Sequence[ErpConnection],
    snapshot: Snapshot | None,
) -> Sequence[WrongTerm]:
    """Return what the commitment's ERP, one of the company's `erps`, does not take of what `answer` asks for."""
    if not isinstance(answer, _ORDERS):
        return ()
    erp = target_erp(facts, erps, snapshot.commitment if snapshot else None)
    if not isinstance(answer, Accept):
        return () if snapshot is None else wrong_terms_again(facts, answer, erp, context.today)
    asked = asked_terms(facts, answer)
    return wrong_terms(
        erp.limits if erp else None,
        erp_title(erp),
        context.today,
        erp_code=asked.erp_code,
        accounting_date=asked.accounting_date,
        note=asked.note,
    )


async def _objection(
    db: Transaction, company_id: str, facts: CommitmentFacts, answer: Answer, erps: Sequence[ErpConnection]
) -> str:
    """Return why the document that `answer` names cannot be this commitment's, or need not be replaced.

    Empty if nothing is against it.
    """
    match answer:
        case Settle(document=ErpDocument() as named):
            return await _objection_to_evidence(db, company_id, facts, named, erps)
        case Retry(replaces=str()):
            return objection_to_leaving(facts, erps)
        case _:
            return ""


async def _objection_to_evidence(
    db: Transaction, company_id: str, facts: CommitmentFacts, named: ErpDocument, erps: Sequence[ErpConnection]
) -> str:
    """Return why `named` cannot be evidence; until this transaction ends, nobody else can give the same document."""
    names = names_in_erp(document_in_erp(facts, named), erps)
    await documents.lock(db, names)
    holder = await documents.holder(db, company_id, facts.id, names)
    return objection(facts, named, {name for erp in erps for name in erp.names}, holder)


async def _exported(
    db: Transaction,
    company_id: str,
    facts: CommitmentFacts,
    answer: Answer,
    erps: Sequence[ErpConnection],
    authority: Authority | None,
) -> tuple[Snapshot | None, tuple[Finding, ...]]:
    """Return the stored content that `answer` would export, and the findings on it if it is to be accepted."""
    match answer:
        case Accept():
            wanted: str | None = answer.content_hash
        case Retry() | ExportAgain() | Settle(document=None) if (
            facts.approved and facts.approved.revision == answer.revision
        ):
            wanted = facts.approved.content_hash
        case _:
            return None, ()
    rows = await submissions.of_revision(db, facts.id, answer.revision)
    row = next((row for row in rows if row.content_hash == wanted), None)
    if row is None:
        return None, ()
    snapshot = Snapshot.from_text(row.text)
    if not isinstance(answer, Accept):
        return snapshot, await _findings_again(facts, answer, snapshot.commitment, erps)
    (checked,) = await reviews.check(db, company_id, erps, [(facts, row)], authority)
    found = (*checked.findings, *note_findings(answer.note, facts.id, answer.revision, checked.erp))
    return snapshot, not_mended(found, asked_terms(facts, answer).erp_code)


async def _findings_again(
    facts: CommitmentFacts, answer: Retry | ExportAgain | Settle, content: Commitment, erps: Sequence[ErpConnection]
) -> tuple[Finding, ...]:
    """Return what the ERP no longer takes of the approved content.

    None for a doubt, which nothing else could end: that export fails instead, and can then be rejected.
    """
    if isinstance(answer, Settle):
        return ()
    found = await apart(partial(findings_on_repeat, content, target_erp(facts, erps, content)))
    return not_mended(found, terms_of(facts, answer).erp_code)
