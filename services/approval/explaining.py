"""Explains one commitment to an operator: where it stands, why, and who does what next."""

from datetime import datetime

from schemas.fields import Status
from schemas.story import Place
from schemas.zones import UTC_NAME
from services.approval.handlers import HANDLERS
from services.approval.rules.erp import connection_name, why_unreachable
from services.approval.rules.explanation import Candidate, Explanation
from services.approval.rules.next_steps import next_step
from services.approval.rules.polled import line_words
from services.approval.rules.status import EDITABLE, RIBBONS, meaning
from services.approval.rules.story.part import ApprovalAnswer, ApprovalPart, HeldAnswer, ToldLine
from services.approval.storage import audit, directory, line, lookups, marks
from services.approval.storage.audit import AuditLine
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import Review, review
from services.approval.storage.tables import HISTORY, KERNEL
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.explaining import TailsOf, read_traffic, tails_or_nothing
from services.pipeline.unreadable import noted, readable

TOPICS = sorted(on.data_type.topic for on in HANDLERS)
MAX_LINES = 150
"""How many lines of the history are told, the last ones."""


async def explain(database: Database, asked: str, tails_of: TailsOf, clock: Clock = utc_now) -> ApprovalAnswer:
    """Return what is known of the only commitment with this id or number, else all that it can be.

    One of DATABASE_ERRORS if the database cannot be read.
    """
    with noted() as unreadable:
        async with database.begin() as db:
            found = await lookups.by_id_or_number(db, asked)
        if len(found.ids) > 1:
            return ApprovalAnswer(candidates=tuple(map(_candidate, found.commitments)), unreadable=tuple(unreadable))
        if found.commitments:
            return ApprovalAnswer(part=await tell(database, found.commitments[0], tails_of, clock))
        id_ = next(iter(found.ids), None)
        async with database.begin() as db:
            traffic = await read_traffic(db, KERNEL, id_ or asked, {})
        return ApprovalAnswer(traffic=traffic, unreadable=tuple(unreadable), commitment_id=id_)


async def tell(database: Database, stored: StoredCommitment, tails_of: TailsOf, clock: Clock = utc_now) -> ApprovalPart:
    """Return what is known of a commitment; one of DATABASE_ERRORS otherwise."""
    company_id, id_ = stored.facts.company_id or "", stored.facts.id
    tails = await tails_or_nothing(tails_of, TOPICS, id_)
    with noted() as unreadable:
        async with database.begin() as db:
            lines = await audit.lines(db, company_id, id_, MAX_LINES)
            traffic = await read_traffic(db, KERNEL, id_, tails)
            explanation = await _explained(db, stored, clock())
            held = await _held(db, company_id, id_)
        return ApprovalPart(
            as_of=clock(),
            may_be_cut=len(lines) >= MAX_LINES,
            traffic=traffic,
            explanation=explanation,
            lines=tuple(readable(HISTORY, lines, lambda each: each.event_id, _line)),
            held=held,
            unreadable=tuple(unreadable),
        )


async def _explained(db: Transaction, stored: StoredCommitment, now: datetime) -> Explanation:
    facts, current = stored.facts, stored.current
    company_id = facts.company_id or ""
    found = await review(db, company_id, stored)
    places = await line.places(db, [(facts, current, found.erp)])
    place, erp, ruling = places.get(facts.id), found.erp, current.ruling
    is_waiting = current.status in (Status.EXPORTING, Status.IN_DOUBT)
    step = next_step(
        facts,
        current,
        erp,
        blocked_by=" ".join(each.text for each in found.findings if each.is_blocking),
        unreachable=await _unreachable(db, company_id, found),
    )
    return Explanation(
        id=facts.id,
        company_id=company_id,
        project_id=current.submitted.project_id,
        number=current.summary.number,
        title=current.summary.title,
        url=current.summary.url,
        revision=current.revision,
        round=current.round,
        waiting_revision=current.waiting_revision,
        status=current.status,
        ribbon=RIBBONS[current.status],
        editable=current.status in EDITABLE,
        since=current.since,
        message=meaning(facts, current, erp.title if erp else None),
        acts_next=step.who,
        next_step=step.what,
        attempts=ruling.attempts if ruling and ruling.failure else None,
        connection=erp.name if erp else connection_name(facts),
        erp=erp.title if erp else None,
        why_erp=found.why_erp,
        erp_document=facts.document,
        place=place,
        line=line_words(erp, place, now, UTC_NAME) if erp and is_waiting else "",
        findings=_findings(found),
    )


def _findings(found: Review) -> tuple[str, ...]:
    """The findings on what waits; they say what to do now, which is over once it is answered."""
    is_open = found.current.status in (Status.READY, Status.DISPUTED)
    return tuple(each.text for each in found.findings) if is_open else ()


def _line(line: AuditLine) -> ToldLine:
    place = line.place and Place(topic=line.kind, partition=line.place[0], offset=line.place[1])
    return ToldLine(at=line.at, kind=line.kind, revision=line.revision, round=line.round, text=line.text, place=place)


async def _held(db: Transaction, company_id: str, commitment_id: str) -> HeldAnswer | None:
    person_id, mark = (await marks.held(db, company_id, [commitment_id])).get(commitment_id, ("", None))
    if mark is None or mark.due_at is None:
        return None
    person = await directory.person(db, person_id)
    return HeldAnswer(by=person.name if person else person_id, revision=mark.revision, due_at=mark.due_at)


async def _unreachable(db: Transaction, company_id: str, found: Review) -> str:
    """Return why no ERP connection takes it; empty if one does, or what was sent is not known."""
    if found.erp or not found.submissions:
        return ""
    erps = await directory.erps_of_company(db, company_id)
    return why_unreachable(found.facts, erps, found.submissions[0].content)


def _candidate(stored: StoredCommitment) -> Candidate:
    summary = stored.current.summary
    return Candidate(
        id=stored.facts.id,
        company_id=stored.facts.company_id or "",
        number=summary.number,
        title=summary.title,
        project=summary.project,
        status=stored.current.status,
    )
