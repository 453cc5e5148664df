"""The place of accepted commitments in the line before an ERP that asks for work."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import DateTime, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from schemas.events import ErpConnection
from schemas.fields import Status
from services.approval.rules.erp import target_erp
from services.approval.rules.line_of_erp import erp_on
from services.approval.storage import directory
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.tables import COMMITMENT
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class Waiting:
    """A commitment that was accepted at `since` and waits for the connection `erp`."""

    commitment_id: str
    erp: str
    since: datetime


def waiting(commitments: Sequence[StoredCommitment], company_erps: Sequence[ErpConnection]) -> list[Waiting]:
    """Return those of `commitments` of one company that wait for an ERP that asks for work."""
    targets = [
        (each, target_erp(each.facts, company_erps)) for each in commitments if each.current.status is Status.EXPORTING
    ]
    return [Waiting(each.facts.id, erp.name, each.current.since) for each, erp in targets if erp and erp.poller]


async def places(db: Transaction, wanted: Sequence[Waiting]) -> Mapping[str, int]:
    """Return the place of each of `wanted` in the line of its ERP, counted from 1, by commitment id.

    It is behind all that were accepted before, by any company of the ERP. One statement, which reads an index.
    """
    if not wanted:
        return {}
    erps = await directory.all_erps(db)
    companies = sorted({company for erp in erps if erp.poller for company in erp.companies})
    ends = sorted({each.since for each in wanted})
    before: dict[tuple[str, int], int] = {}
    given = {"companies": companies, "ends": ends, "last": ends[-1]}
    for company_id, way, section, count in await db.execute(_COUNTED, given):
        if erp := erp_on(way, company_id, [each for each in erps if company_id in each.companies]):
            before[erp.name, section] = before.get((erp.name, section), 0) + count
    return {each.commitment_id: 1 + _ahead(before, each, bisect_left(ends, each.since)) for each in wanted}


def _ahead(before: Mapping[tuple[str, int], int], behind: Waiting, section: int) -> int:
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
