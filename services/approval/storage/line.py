"""The place of accepted commitments in the line before an ERP that asks for work."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import DateTime, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.events import ErpConnection
from schemas.fields import Status
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.line_of_erp import erp_on
from services.approval.storage import directory
from services.approval.storage.tables import COMMITMENT
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_none


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A commitment that was accepted at `since` and waits for the connection `erp`."""

    commitment_id: str
    erp: str
    since: datetime


async def places(
    db: Transaction, commitments: Iterable[tuple[CommitmentFacts, CurrentStatus, ErpConnection | None]]
) -> Mapping[str, int]:
    """Return the places of those that wait for an ERP that asks for work, from 1, by commitment id.

    Each of `commitments` has the ERP that it goes to. It is behind all that were accepted before, by any company of
    that ERP. Two statements, of which one reads an index.
    """
    wanted = [
        _Waiting(facts.id, erp.name, current.since)
        for facts, current, erp in commitments
        if erp and erp.poller and current.status is Status.EXPORTING
    ]
    if not wanted:
        return {}
    erps = await directory.all_erps(db)
    companies = sorted({company for erp in erps if erp.poller for company in erp.companies})
    ends = sorted({each.since for each in wanted})
    before: dict[tuple[str, int], int] = {}
    given = {"companies": companies, "ends": ends, "last": ends[-1]}
    for company_id, way, section, count in await db.execute(_COUNTED, given):
        theirs = [each for each in erps if company_id in each.companies]
        if erp := read_or_none(COMMITMENT, f"routes of {company_id}", partial(erp_on, way, company_id, theirs)):
            before[erp.name, section] = before.get((erp.name, section), 0) + count
    return {each.commitment_id: 1 + _ahead(before, each, bisect_left(ends, each.since)) for each in wanted}


def _ahead(before: Mapping[tuple[str, int], int], behind: _Waiting, section: int) -> int:
    return sum(before.get((behind.erp, each), 0) for each in range(section + 1))


_ENDS = bindparam("ends", type_=ARRAY(DateTime(timezone=True)))
_SECTION = func.width_bucket(COMMITMENT.c.since, _ENDS)
"""How many of the ends are not after it: what was accepted before the first end is in section 0."""
_COUNTED = (
    select(COMMITMENT.c.company_id, COMMITMENT.c.route, _SECTION, func.count())
    .where(
        COMMITMENT.c.company_id == func.any(bindparam("companies", type_=ARRAY(COMMITMENT.c.company_id.type))),
        COMMITMENT.c.route.is_not(None),
        COMMITMENT.c.since < bindparam("last", type_=DateTime(timezone=True)),
    )
    .group_by(COMMITMENT.c.company_id, COMMITMENT.c.route, _SECTION)
)
