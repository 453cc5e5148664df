"""Carries out answers that an approver gave to several commitments at once."""

from collections.abc import Sequence

from fastapi import Request

from schemas.events import DirectoryPerson
from services.approval.rules.answers import Answer
from services.approval.rules.erp import erp_title, target_erp
from services.approval.storage import directory
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.results import Result, not_found, result_of
from services.approval.web.tracing import traceparent_of


async def carry_out(
    dependencies: Dependencies, request: Request, who: DirectoryPerson, answers: Sequence[tuple[str, Answer]]
) -> list[Result]:
    """Carry out each of `answers`, given by commitment id, as a decision of its own; return what became of each."""
    async with dependencies.database.begin() as db:
        erps = await directory.erps_of_company(db, who.company_id)
    results = []
    for commitment_id, answer in answers:
        answered = await dependencies.decisions.answer(commitment_id, who, answer, traceparent_of(request))
        erp = erp_title(target_erp(answered.facts, erps)) if answered else ""
        results.append(result_of(answer, answered, erp) if answered else not_found(commitment_id))
    return results
