"""Explains one commitment to an operator: where it stands, why, and who does what next."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import SecretStr

from schemas.fields import Status
from schemas.zones import UTC_NAME
from services.approval.rules.erp import connection_name, why_unreachable
from services.approval.rules.explanation import Candidate, Explanation, HistoryLine
from services.approval.rules.next_steps import next_step
from services.approval.rules.polled import line_words
from services.approval.rules.status import EDITABLE, RIBBONS, meaning
from services.approval.storage import audit, directory, line, lookups
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import Review, review
from services.pipeline.clock import Clock, utc_now
from services.pipeline.database import Transaction
from services.pipeline.operations import open_database

HISTORY_LINES = 5


async def explain(url: SecretStr, commitment: str, clock: Clock = utc_now) -> Explanation | Sequence[Candidate]:
    """Return the explanation of the only commitment with this id or number, else all that it can be.

    Raises CountersignError if the database cannot be read.
    """
    async with open_database(url) as database, database.begin() as db:
        found = await lookups.by_id_or_number(db, commitment)
        if len(found) == 1:
            return await _explained(db, found[0], clock())
    return [_candidate(each) for each in found]


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
        history=await _history(db, company_id, facts.id),
    )


def _findings(found: Review) -> tuple[str, ...]:
    """The findings on what waits; they say what to do now, which is over once it is answered."""
    is_open = found.current.status in (Status.READY, Status.DISPUTED)
    return tuple(each.text for each in found.findings) if is_open else ()


async def _history(db: Transaction, company_id: str, commitment_id: str) -> tuple[HistoryLine, ...]:
    lines = await audit.lines(db, company_id, commitment_id, HISTORY_LINES)
    return tuple(HistoryLine(each.at, each.text) for each in reversed(lines))


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
