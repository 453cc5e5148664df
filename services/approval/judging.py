"""Judges answers of approvers by all that is known of their commitments now, without recording anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from schemas.commitment import ErpDocument
from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import Status
from schemas.snapshot import Snapshot
from schemas.zones import zone_info
from services.approval.rules.accepting import asked_terms, numbers_at_stake
from services.approval.rules.answers import (
    Accept,
    Answer,
    AnswerResult,
    Conflict,
    ExportAgain,
    Reject,
    Retry,
    Settle,
)
from services.approval.rules.approval_rules import ApprovalRules, CompanyRules
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.commitment import CommitmentFacts, current_status, standing_approval, without_approvals
from services.approval.rules.conflicts import held_by
from services.approval.rules.controls import ALONE, Authority, Mandate, void_approvals
from services.approval.rules.controls import mandate as accepts_by
from services.approval.rules.erp import erp_title, target_erp
from services.approval.rules.evidence import document_in_erp, names_in_erp, objection
from services.approval.rules.leaving import objection_to_leaving
from services.approval.rules.marks import Mark
from services.approval.rules.orders import wrong_terms_again
from services.approval.rules.terms import WrongTerm, wrong_terms
from services.approval.storage import directory, documents, marks, namesakes, reviews, submissions
from services.approval.storage.authorities import authority_of
from services.approval.storage.exported import exported
from services.approval.storage.reviews import CheckedSubmission
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of an answer, and the facts after it."""

    result: AnswerResult
    facts: CommitmentFacts


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to a commitment with these facts; `checked` is what it accepts, if that was checked before."""

    facts: CommitmentFacts
    answer: Answer
    checked: CheckedSubmission | None = None

    @property
    def key(self) -> submissions.Key | None:
        """The content that the answer accepts; None for another answer."""
        answer = self.answer
        return (self.facts.id, answer.revision, answer.content_hash) if isinstance(answer, Accept) else None

    def with_checked(self, contents: Iterable[CheckedSubmission]) -> "Asked":
        """The same with that of `contents` which it accepts."""
        rows = ((each, (each.row.commitment_id, each.row.revision, each.row.content_hash)) for each in contents)
        return replace(self, checked=next((each for each, key in rows if key == self.key), None))


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What is the same for all answers of one person: the company's ERPs, their authority, what others hold."""

    erps: Sequence[ErpConnection]
    authority: Authority | None
    held: Mapping[str, tuple[str, Mark]]


_ORDERS = (Accept, Retry, ExportAgain, Settle)


class Judge:
    """Judges by the rules of each company."""

    def __init__(self, rules: ApprovalRules) -> None:
        self._rules = rules

    def rules_of(self, company_id: str) -> CompanyRules:
        """Return the rules of the company."""
        return self._rules.of(company_id)

    async def authority(self, db: Transaction, who: DirectoryPerson) -> Authority | None:
        """Return what `who` may accept by the rules of their company; None if they are no approver."""
        return await authority_of(db, who, self.rules_of(who.company_id), utc_now())

    async def judge(
        self,
        db: Transaction,
        who: DirectoryPerson,
        asked: Sequence[Asked],
        *,
        traceparent: str | None = None,
        last: tuple[int, str] | None = None,
        is_recorded: bool = False,
    ) -> list[Answered]:
        """Return what each answer of `who` would do now; all are about commitments of their company.

        `last` is the place of the last decision in the chain of the commitment, where the answer is to be recorded. If
        it `is_recorded`, nobody else can order an export under the same number until this transaction ends.
        """
        around = await self._circumstances(db, who, asked)
        if is_recorded:
            at_stake = (numbers_at_stake(each.facts, each.answer, around.erps) for each in asked)
            await namesakes.lock(db, who.company_id, frozenset().union(*at_stake))
        judged = []
        for group in await _in_groups(db, asked):
            known = await _with_contents(db, who.company_id, group, around)
            judged += [await self._judged(db, who, each, around, traceparent, last) for each in known]
        return judged

    async def _circumstances(self, db: Transaction, who: DirectoryPerson, asked: Sequence[Asked]) -> _Circumstances:
        ids = [each.facts.id for each in asked if isinstance(each.answer, Accept | Reject)]
        accepts = any(isinstance(each.answer, Accept) for each in asked)
        return _Circumstances(
            await directory.erps_of_company(db, who.company_id),
            await self.authority(db, who) if accepts else None,
            await marks.held(db, who.company_id, ids) if ids else {},
        )

    async def _judged(
        self,
        db: Transaction,
        who: DirectoryPerson,
        asked: Asked,
        around: _Circumstances,
        traceparent: str | None,
        last: tuple[int, str] | None,
    ) -> Answered:
        facts, answer, erps = asked.facts, asked.answer, around.erps
        context = replace(_context(facts, who, erps, traceparent), last=last)
        if isinstance(answer, Accept | Reject) and (held := await _held_by_other(db, facts, answer, context, around)):
            return Answered(held, facts)
        mandate = _mandate(facts, asked.checked, around.authority)
        counted = without_approvals(facts, mandate.void)
        snapshot, findings = await exported(db, who.company_id, counted, answer, asked.checked, erps)
        result = carry_out(
            facts,
            answer,
            context,
            snapshot=snapshot,
            findings=findings,
            wrong_terms=_wrong_terms(counted, answer, context, erps, snapshot),
            objection=await _objection(db, who.company_id, facts, answer, erps),
            mandate=mandate,
        )
        return Answered(result, facts)


def _mandate(facts: CommitmentFacts, checked: CheckedSubmission | None, authority: Authority | None) -> Mandate:
    """Return how whoever has `authority` accepts what was checked."""
    current = current_status(facts)
    if not (current and checked and authority):
        return ALONE
    content, sent_by, senders = checked.content, current.summary.sent_by, checked.senders
    void = void_approvals(content, sent_by, authority, facts.first_approvals, senders)
    first = standing_approval(without_approvals(facts, void))
    return replace(accepts_by(content, sent_by, authority, first, senders), void=void)


def _context(
    facts: CommitmentFacts, who: DirectoryPerson, erps: Sequence[ErpConnection], traceparent: str | None
) -> AnswerContext:
    erp = target_erp(facts, erps)
    zone, title = zone_info(who.time_zone), erp.title if erp else None
    return AnswerContext(who.as_person, zone, utc_now(), traceparent, erp=title)


async def _held_by_other(
    db: Transaction, facts: CommitmentFacts, answer: Accept | Reject, context: AnswerContext, around: _Circumstances
) -> Conflict | None:
    """Return the conflict with what somebody else has accepted and can still undo; None if nobody has."""
    current = current_status(facts)
    person_id, mark = around.held.get(facts.id, (context.by.id, None))
    if mark is None or current is None or person_id == context.by.id:
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


async def _in_groups(db: Transaction, asked: Sequence[Asked]) -> list[list[Asked]]:
    """Return `asked` in its order, in groups whose contents can be in memory together."""
    groups: list[list[Asked]] = []
    keys = [each.key for each in asked if each.key and not each.checked]
    sizes = await submissions.sizes(db, keys) if len(keys) > 1 else {}
    left = submissions.GROUP_BYTES
    for each in asked:
        size = sizes.get(each.key, 0) if each.key else 0
        if not groups or size > left:
            groups.append([])
            left = submissions.GROUP_BYTES
        groups[-1].append(each)
        left -= size
    return groups


async def _with_contents(
    db: Transaction, company_id: str, group: Sequence[Asked], around: _Circumstances
) -> list[Asked]:
    """Return the answers of a group with what they accept, checked together."""
    unread = {each.facts.id: each.facts for each in group if each.key and not each.checked}
    if not unread:
        return list(group)
    rows = await submissions.find_many(db, [each.key for each in group if each.key and not each.checked])
    sent = [(unread[key], row) for key, row in rows.items()]
    checked = await reviews.check(db, company_id, around.erps, sent, around.authority) if sent else []
    return [each if each.checked else each.with_checked(checked) for each in group]
