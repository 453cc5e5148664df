"""Copies of a list as it is filtered: as CSV for a spreadsheet, and as a page to print."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.rules.erp import target_erp
from services.approval.rules.status import STATUS_WORDS
from services.approval.storage import directory, queries
from services.approval.storage.queries import Cursor, StoredCommitment, Tally
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.list_rows import ListRow
from services.approval.web.desk.pages import VIEW_TITLES, Pages
from services.approval.web.desk.triage import triage_rows
from services.approval.web.desk.wording import KIND_WORDS, totals, who_acts
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction
from services.pipeline.legible import legible
from services.pipeline.slices import mapped

MAX_PRINTED = 500
_FORMULA = re.compile("^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=[-=+@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet takes what follows for a formula (OWASP, CSV injection): where a cell begins.

In countries with a decimal comma it divides lines at semicolons, and takes most of our quotes for text. Cells then
begin in the middle of ours.
"""
_HEADINGS = (
    *("Number", "Title", "Kind", "Vendor", "Project", "Currency", "Total", "Status", "Since (UTC)", "Revision"),
    *(
        "Sent by",
        "ERP",
        "ERP document",
        "Message",
        "Code",
        "Who acts",
        "Next step",
        "Reason",
        "Rejected by",
        "Link",
        "Id",
    ),
)


def list_copy_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the copies."""
    router = APIRouter(include_in_schema=False)
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    async def one_copy() -> AsyncIterator[None]:
        async with dependencies.readers.copying():
            yield

    @router.get("/commitments.csv", dependencies=[Depends(one_copy)])
    async def as_csv(who: Viewer, query: Annotated[ListQuery, Query()]) -> Response:
        name = f"commitments-{query.view.value}-{utc_now():%Y-%m-%d}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_csv(dependencies, who, query.but()), media_type="text/csv", headers=headers)

    @router.get("/print", dependencies=[Depends(one_copy)])
    async def to_print(who: Viewer, query: Annotated[ListQuery, Query()]) -> Response:
        found: list[ListRow] = []
        async for page in _pages(dependencies, who, query.but()):
            found.extend(page)
            if len(found) > MAX_PRINTED:
                break
        rows = found[:MAX_PRINTED]
        async with dependencies.database.begin() as db:
            tally = await queries.tally(db, who.company_id, query.view, query.filter, now=utc_now())
        if query.is_of_blocked:
            tally = Tally(len(found), is_complete=len(found) <= MAX_PRINTED)
        return await pages.render_apart(
            "print.html",
            person=who,
            title=VIEW_TITLES[query.view],
            query=query,
            rows=rows,
            tally=tally,
            totals=totals([row.summary for row in rows]),
        )

    return router


async def _pages(dependencies: Dependencies, who: DirectoryPerson, query: ListQuery) -> AsyncIterator[list[ListRow]]:
    """The rows of the whole list, page by page, each read in a transaction of its own."""
    after: Cursor | None = None
    while True:
        async with dependencies.readers.shared, dependencies.database.begin() as db:
            rows, after = await (_blocked if query.is_of_blocked else _page)(dependencies, db, who, query, after)
        yield rows
        if after is None:
            return


async def _page(
    dependencies: Dependencies, db: Transaction, who: DirectoryPerson, query: ListQuery, after: Cursor | None
) -> tuple[list[ListRow], Cursor | None]:
    del dependencies
    company, most = who.company_id, queries.MAX_PAGE_ROWS
    erps = await directory.erps_of_company(db, company)
    page = await queries.page(db, company, query.view, only=query.filter, sort=query.order, after=after, limit=most)
    return await mapped(lambda each: _row(each, erps), page.commitments), page.next_after


async def _blocked(
    dependencies: Dependencies, db: Transaction, who: DirectoryPerson, query: ListQuery, after: Cursor | None
) -> tuple[list[ListRow], Cursor | None]:
    """Some of those that are blocked, as the page of the list finds them, since no column says which are."""
    erps = await directory.erps_of_company(db, who.company_id)
    authority = await dependencies.decisions.authority(db, who)
    query = query.but(after=str(after) if after else "")
    rows = await triage_rows(db, who, query, erps, (), authority)
    return rows.in_order, rows.next_after


def _row(stored: StoredCommitment, erps: Sequence[ErpConnection]) -> ListRow:
    return ListRow(stored.facts, stored.current, target_erp(stored.facts, erps))


async def _csv(dependencies: Dependencies, who: DirectoryPerson, query: ListQuery) -> AsyncIterator[bytes]:
    # spreadsheets take a file for UTF-8 only if it begins with this
    yield "\ufeff".encode() + _lines([_HEADINGS])
    async for page in _pages(dependencies, who, query):
        yield await apart(partial(_lines_of, page))


def _lines_of(page: Sequence[ListRow]) -> bytes:
    return _lines([_cells(row) for row in page])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_safe(legible(cell)) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: str) -> str:
    """`cell` as text, whatever a spreadsheet would take it for; a negative amount stays a number."""
    is_number = cell.removeprefix("-").replace(".", "", 1).isdecimal()
    return cell if is_number else _FORMULA.sub("'", cell)


def _cells(row: ListRow) -> Sequence[str]:
    summary, current, ruling = row.summary, row.current, row.current.ruling
    failure, document = ruling.failure if ruling else None, row.facts.document
    return (
        summary.number,
        summary.title,
        KIND_WORDS[summary.kind],
        summary.vendor,
        summary.project,
        summary.currency,
        str(summary.total),
        STATUS_WORDS[current.status],
        f"{current.since:%Y-%m-%d %H:%M}",
        str(current.revision),
        summary.sent_by.name,
        row.erp_title,
        document.name if document else "",
        failure.message if failure else "",
        (failure.code or "") if failure else "",
        who_acts(failure) if failure else "",
        failure.next_step if failure else "",
        (ruling.reason or "") if ruling else "",
        (ruling.who or "") if ruling and ruling.reason else "",
        summary.url,
        row.facts.id,
    )
