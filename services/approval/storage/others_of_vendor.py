"""Finds other commitments of the same vendor: what they usually amount to, and whether one is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Column, DateTime, Numeric, Row, Select, Text, bindparam, func, select, true

from schemas.fields import Status
from services.approval.rules.unusual import SIMILAR_DAYS, Others
from services.approval.storage.tables import COMMITMENT
from services.pipeline.bulk import arrays, given_rows
from services.pipeline.database import Transaction

LATEST = 25
"""How many of the vendor's that wait, and of those that are synced, the median is of."""

MOST_ALIKE = 100
"""So many with the same amount are compared, the latest first."""

_SIMILAR = [each.value for each in Status if each not in (Status.REJECTED, Status.RETRIEVED)]
_USUAL = [Status.READY.value, Status.SYNCED.value]
_NONE = Others()


class Compared(NamedTuple):
    """What is compared of a commitment, as the columns of its table have it."""

    id: str
    number: str
    vendor: str
    project: str
    currency: str
    total: Decimal
    sent_at: datetime


async def find(db: Transaction, company_id: str, compared: Sequence[Compared]) -> Mapping[str, Others]:
    """Return by commitment id the other commitments that `unusual_findings` needs; two statements for all of them."""
    found: dict[str, Others] = {}
    if not compared:
        return found
    company = {"company": company_id, "statuses": _USUAL}
    given = [{"vendor": vendor} for vendor in {each.vendor for each in compared}]
    latest = (await db.execute(_LATEST, company | arrays(given))).all()
    by_vendor: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in latest:
        by_vendor.setdefault((row.vendor, row.currency), []).append(row)
    for each in compared:
        rows = by_vendor.get((each.vendor, each.currency), ())
        found[each.id] = Others([row.total for row in rows if row.id != each.id])
    for commitment_id, number in await db.execute(
        _ALIKE, {"company": company_id, "statuses": _SIMILAR, **arrays([each._asdict() for each in compared])}
    ):
        found[commitment_id] = replace(found.get(commitment_id, _NONE), similar=number)
    return found


def _latest() -> Select[Any]:
    """Return the statement for the latest commitments of each given vendor, each status in the order of its index."""
    table, given, status = COMMITMENT, given_rows([COMMITMENT.c.vendor]), _statuses()
    columns = (table.c.id, table.c.currency, table.c.total)
    of_vendor = (table.c.vendor == given.c.vendor) & (table.c.status == status.c.status)
    chosen = select(*columns).where(table.c.company_id == bindparam("company"), of_vendor)
    latest = chosen.order_by(table.c.since.desc(), table.c.id.desc()).limit(LATEST).lateral("latest")
    return select(given.c.vendor, *latest.c).select_from(given).join(status, true()).join(latest, true())


def _alike() -> Select[Any]:
    """Return the statement for one commitment with the same vendor, project and amount, but another number.

    Amounts differ most, so their index is read first, and no more of it than MOST_ALIKE entries of each status.
    """
    table, status = COMMITMENT, _statuses()
    given = given_rows(
        [
            *(Column(name, Text) for name in ("id", "number", "vendor", "project", "currency")),
            Column("total", Numeric),
            Column("sent_at", DateTime(timezone=True)),
        ]
    )
    days = timedelta(days=SIMILAR_DAYS)
    names = ("id", "number", "vendor", "project", "currency")
    chosen = select(*(table.c[name] for name in names)).where(
        table.c.company_id == bindparam("company"),
        table.c.status == status.c.status,
        table.c.total == given.c.total,
        table.c.since.between(given.c.sent_at - days, given.c.sent_at + days),
    )
    same = chosen.order_by(table.c.since.desc()).limit(MOST_ALIKE).lateral("same")
    is_alike = (same.c.id != given.c.id) & (same.c.number != given.c.number)
    for name in ("vendor", "project", "currency"):
        is_alike &= same.c[name] == given.c[name]
    found = select(given.c.id, func.min(same.c.number)).select_from(given)
    return found.join(status, true()).join(same, is_alike).group_by(given.c.id)


def _statuses() -> Any:
    return func.unnest(bindparam("statuses", type_=ARRAY(Text))).table_valued("status").render_derived(name="statuses")


_LATEST, _ALIKE = _latest(), _alike()
