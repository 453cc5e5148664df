"""Checks, and carries out, answers that an approver gave to several commitments at once."""

from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import Request

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.rules.answers import Answer
from services.approval.rules.erp import erp_title, target_erp
from services.approval.storage import directory
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.list_rows import ListRow
from services.approval.web.desk.results import Result, not_found, result_of, unreadable
from services.approval.web.desk.wording import totals
from services.approval.web.tracing import traceparent_of
from services.pipeline.errors import UnreadableRowError


class CheckedAnswer(Protocol):
    """An answer to the commitment in `row`, as a check page shows it."""

    @property
    def row(self) -> ListRow:
        """The commitment as it is now."""
        ...

    @property
    def is_possible(self) -> bool:
        """Whether the answer can be given."""
        ...


def by_possibility(checked: Sequence[CheckedAnswer]) -> dict[str, Any]:
    """Return what a check page shows: the `possible` answers with their `totals` by currency, and the `impossible`."""
    possible = [each for each in checked if each.is_possible]
    return {
        "possible": possible,
        "impossible": [each for each in checked if not each.is_possible],
        "totals": totals([each.row.summary for each in possible]),
    }


async def carry_out(
    dependencies: Dependencies, request: Request, who: DirectoryPerson, answers: Sequence[tuple[str, Answer]]
) -> list[Result]:
    """Carry out each of `answers`, given by commitment id, as a decision of its own; return what became of each."""
    async with dependencies.database.begin() as db:
        erps = await directory.erps_of_company(db, who.company_id)
    return [await _carried_out(dependencies, request, who, erps, *each) for each in answers]


async def _carried_out(
    dependencies: Dependencies,
    request: Request,
    who: DirectoryPerson,
    erps: Sequence[ErpConnection],
    commitment_id: str,
    answer: Answer,
) -> Result:
    try:
        answered = await dependencies.held.answer(commitment_id, who, answer, traceparent_of(request))
    except UnreadableRowError:
        return unreadable(commitment_id)
    if answered is None:
        return not_found(commitment_id)
    return result_of(answer, answered, erp_title(target_erp(answered.facts, erps)))
