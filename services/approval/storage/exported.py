"""Reads what an answer would export, and what is against that: its content, and the number that it goes under."""

from collections.abc import Sequence
from functools import partial

from schemas.events import ErpConnection
from schemas.snapshot import Snapshot
from services.approval.rules.accepting import asked_terms
from services.approval.rules.answers import Accept, Answer, ExportAgain, Retry, Settle
from services.approval.rules.checks import findings_on_repeat, not_mended, note_findings
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.erp import target_erp
from services.approval.rules.finding import Finding
from services.approval.rules.numbers import Namesake, code_findings, repeat_findings
from services.approval.rules.orders import Repeat, terms_of
from services.approval.storage import namesakes, submissions
from services.approval.storage.namesakes import NumberInErp
from services.approval.storage.reviews import CheckedSubmission
from services.pipeline.apart import apart
from services.pipeline.database import Transaction


async def exported(
    db: Transaction,
    company_id: str,
    facts: CommitmentFacts,
    answer: Answer,
    checked: CheckedSubmission | None,
    erps: Sequence[ErpConnection],
) -> tuple[Snapshot | None, tuple[Finding, ...]]:
    """Return the stored content that `answer` would export, and what is against that.

    `checked` is what it accepts, if it does; the company exports to `erps`.
    """
    match answer:
        case Accept() if checked:
            return await _accepted(db, company_id, facts, answer, checked)
        case Retry() | ExportAgain() | Settle(document=None) if (
            facts.approved and facts.approved.revision == answer.revision
        ):
            key = (facts.id, answer.revision, facts.approved.content_hash)
            row = (await submissions.find_many(db, [key])).get(facts.id)
            if row is None:
                return None, ()
            snapshot = await apart(partial(Snapshot.from_text, row.text))
            erp = target_erp(facts, erps, snapshot.commitment)
            return snapshot, await _findings_again(db, company_id, facts, answer, snapshot, erp)
        case _:
            return None, ()


async def _accepted(
    db: Transaction, company_id: str, facts: CommitmentFacts, answer: Accept, checked: CheckedSubmission
) -> tuple[Snapshot, tuple[Finding, ...]]:
    """Return the content that is accepted, and the findings on it and on what is asked of the ERP with it."""
    snapshot = await apart(partial(Snapshot.from_text, checked.row.text))
    code = asked_terms(facts, answer).erp_code
    noted = note_findings(answer.note, facts.id, answer.revision, checked.erp)
    found = not_mended((*checked.findings, *noted), code)
    return snapshot, (*found, *await _code_findings(db, company_id, facts, code, snapshot, checked.erp))


async def _findings_again(
    db: Transaction,
    company_id: str,
    facts: CommitmentFacts,
    answer: Repeat,
    snapshot: Snapshot,
    erp: ErpConnection | None,
) -> tuple[Finding, ...]:
    """Return what the ERP no longer takes of the approved content, or of the number that it is ordered under.

    A doubt has to end, so only a number that is given for it counts: otherwise that export fails, and can be rejected.
    """
    code, is_doubt = terms_of(facts, answer).erp_code, isinstance(answer, Settle)
    content = snapshot.commitment
    found = () if is_doubt else not_mended(await apart(partial(findings_on_repeat, content, erp)), code)
    if code:
        is_asked = answer.erp_code or not (is_doubt or facts.standing)
        return (*found, *(await _code_findings(db, company_id, facts, code, snapshot, erp) if is_asked else ()))
    if is_doubt or facts.standing:
        return found
    other = await _namesake(db, company_id, facts, content.number, snapshot, erp)
    return (*found, *repeat_findings(content.number, erp, other))


async def _code_findings(
    db: Transaction,
    company_id: str,
    facts: CommitmentFacts,
    code: str | None,
    snapshot: Snapshot,
    erp: ErpConnection | None,
) -> tuple[Finding, ...]:
    """Return whether another commitment has the document number `code`."""
    other = await _namesake(db, company_id, facts, code, snapshot, erp) if code else None
    return tuple(code_findings(code, snapshot.commitment.number, erp, other)) if code else ()


async def _namesake(
    db: Transaction, company_id: str, facts: CommitmentFacts, number: str, snapshot: Snapshot, erp: ErpConnection | None
) -> Namesake | None:
    """Return another commitment that `erp` could not tell from this one, if that went there under `number`."""
    content = (facts.id, snapshot.content_hash)
    return (await namesakes.find(db, company_id, [NumberInErp.of(content, number, erp)])).get(content)
