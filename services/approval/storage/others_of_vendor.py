"""Finds other commitments of the same vendor: what they usually amount to, and whether one is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Column, DateTime, Numeric, Select, Text, bindparam, func, literal, select, true

from schemas.fields import Status
from services.approval.rules.unusual import SIMILAR_DAYS, Others
from services.approval.storage.tables import COMMITMENT
from services.pipeline.bulk import arrays, given_rows, given_texts
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
    """Return by commitment id what `unusual_findings` needs of other commitments; two statements for all of them."""
    found: dict[str, Others] = {}
    if not compared:
        return found
    given = arrays([each._asdict() for each in compared])
    usual = {"company": company_id, "statuses": _USUAL, "vendors": list({each.vendor for each in compared})}
    for commitment_id, count, median in await db.execute(_MEDIANS, given | usual):
        found[commitment_id] = Others(count, median)
    for commitment_id, number in await db.execute(_ALIKE, given | {"company": company_id, "statuses": _SIMILAR}):
        found[commitment_id] = replace(found.get(commitment_id, _NONE), similar=number)
    return found


def _medians() -> Select[Any]:
    """Return the statement for the median of the latest amounts of each vendor, in the currency of each given one.

    Both middle amounts are taken from as many, so it is exact: percentile_cont would compute with binary fractions.
    """
    table, given, status = COMMITMENT, _given(), given_texts("statuses", "status")
    vendor = given_texts("vendors", "vendor")
    of_vendor = (table.c.vendor == vendor.c.vendor) & (table.c.status == status.c.status)
    chosen = select(table.c.id, table.c.vendor, table.c.currency, func.abs(table.c.total).label("total")).where(
        table.c.company_id == bindparam("company"), of_vendor
    )
    newest = chosen.order_by(table.c.since.desc(), table.c.id.desc()).limit(LATEST).lateral("newest")
    latest = select(newest).select_from(vendor).join(status, true()).join(newest, true()).cte("latest")
    total = latest.c.total
    middle = [func.percentile_disc(0.5).within_group(order) for order in (total.asc(), total.desc())]
    is_other = (latest.c.vendor == given.c.vendor) & (latest.c.currency == given.c.currency)
    found = select(given.c.id, func.count(), sum(middle, literal(0)) / 2).select_from(given)
    return found.join(latest, is_other & (latest.c.id != given.c.id)).group_by(given.c.id)


def _alike() -> Select[Any]:
    """Return the statement for one commitment with the same vendor, project and amount, but another number.

    One that has failed may have the same number, as it does not hold it. Amounts differ most, so their index is read
    first, and no more of it than MOST_ALIKE entries of each status.
    """
    table, status, given = COMMITMENT, given_texts("statuses", "status"), _given()
    days = timedelta(days=SIMILAR_DAYS)
    names = ("id", "number", "vendor", "project", "currency", "status", "holds_number")
    chosen = select(*(table.c[name] for name in names)).where(
        table.c.company_id == bindparam("company"),
        table.c.status == status.c.status,
        table.c.total == given.c.total,
        table.c.since.between(given.c.sent_at - days, given.c.sent_at + days),
    )
    same = chosen.order_by(table.c.since.desc()).limit(MOST_ALIKE).lateral("same")
    is_failed = (same.c.status == Status.FAILED.value) & ~same.c.holds_number
    is_alike = (same.c.id != given.c.id) & ((same.c.number != given.c.number) | is_failed)
    for name in ("vendor", "project", "currency"):
        is_alike &= same.c[name] == given.c[name]
    found = select(given.c.id, func.min(same.c.number)).select_from(given)
    return found.join(status, true()).join(same, is_alike).group_by(given.c.id)


def _given() -> Any:
    """Return the commitments that are compared, as a table."""
    return given_rows(
        [
            *(Column(name, Text) for name in ("id", "number", "vendor", "project", "currency")),
            Column("total", Numeric),
            Column("sent_at", DateTime(timezone=True)),
        ]
    )


_MEDIANS, _ALIKE = _medians(), _alike()
