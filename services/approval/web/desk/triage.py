"""The triage page: what waits for an answer on the left, one commitment and the answer to it on the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from http import HTTPStatus

from fastapi import Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import Status
from services.approval.rules.controls import Authority
from services.approval.rules.marks import Mark
from services.approval.rules.triage import Group
from services.approval.storage import marks, queries, reason_templates
from services.approval.storage.tallies import Tally
from services.approval.storage.views import Cursor
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.detail import Detail, RefusedForm, accounting_dates, held_by, load_detail
from services.approval.web.desk.list_frame import ListFrame, list_frame
from services.approval.web.desk.list_rows import ListRow, list_rows
from services.approval.web.desk.marks_bar import MarksBar
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.results import Result
from services.approval.web.desk.wording import empty_words
from services.pipeline.database import Transaction

MAX_LOOKED_AT = 500
"""Rows that one page looks at for those that are blocked, which no column says."""

WAITS = frozenset({Status.READY, Status.DISPUTED})


@dataclass(frozen=True, slots=True)
class TriageRows:
    """The rows of a page, in their groups; `next_after` continues the list, None at its end."""

    groups: Mapping[Group, Sequence[ListRow]]
    next_after: Cursor | None
    is_partial: bool

    @property
    def in_order(self) -> list[ListRow]:
        """The rows as the page shows them."""
        return [row for rows in self.groups.values() for row in rows]


@dataclass(frozen=True, slots=True)
class Opened:
    """The commitment on the right, with its neighbours in the list."""

    detail: Detail
    before: str
    after: str
    to_answer: str
    """The next one that is not marked, to which a mark leads; empty if there is none."""

    @property
    def row(self) -> ListRow:
        """The commitment."""
        return self.detail.row

    @property
    def waits(self) -> bool:
        """Whether it still waits for an answer."""
        return self.row.current.status in WAITS


class TriagePage:
    """Shows the triage page."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._decisions = dependencies.decisions
        self._pages = pages

    async def show(
        self,
        person: DirectoryPerson,
        query: ListQuery,
        *,
        refused: RefusedForm | None = None,
        results: Sequence[Result] = (),
    ) -> Response:
        """Return the page; with `refused` the form on the right says what is wrong, and keeps what was typed.

        A 404 if the company has no commitment `query.item`.
        """
        form = refused or RefusedForm()
        form = replace(form, problems=[*form.problems, *query.problems])
        async with self._readers:
            async with self._database.begin() as db:
                frame = await list_frame(db, person, query, self._database.clock())
                own = frame.own
                outdated = await marks.outdated(db, person) if own else ()
                authority = await self._decisions.authority(db, person)
                rows = await triage_rows(db, person, query, frame.erps, own, authority)
                opened = await _opened(db, person, query, rows, own, form, authority)
                reasons = await reason_templates.of_company(db, person.company_id) if person.is_approver else ()
            return await self._pages.render_apart(
                "triage.html",
                person=person,
                status=HTTPStatus.CONFLICT if form.refusal else HTTPStatus.OK,
                title="Commitments - Ready to be Exported",
                query=query,
                frame=_as_known(frame, query, rows),
                rows=rows,
                opened=opened,
                bar=MarksBar.of(own, outdated),
                reasons=reasons,
                accounting_dates=accounting_dates(opened.row.erp, person) if opened else None,
                following=_following(query, rows),
                **empty_words(query.view, is_approver=person.is_approver),
                **form.shown,
                results=results,
            )


async def triage_rows(
    db: Transaction,
    person: DirectoryPerson,
    query: ListQuery,
    erps: Sequence[ErpConnection],
    own: Sequence[Mark],
    authority: Authority | None,
) -> TriageRows:
    """Return the page of a list that waits, in groups, with the person's `own` marks; the company exports to `erps`.

    The person has `authority`.
    """
    found, after, is_partial = await _found(db, person, query, erps, authority)
    by_id = {mark.commitment_id: mark for mark in own}
    held = await held_by(db, person, [row.facts.id for row in found])
    marked = [replace(row, mark=by_id.get(row.facts.id), held_by=held.get(row.facts.id, "")) for row in found]
    groups = {group: [row for row in marked if row.group is group] for group in Group}
    return TriageRows({group: rows for group, rows in groups.items() if rows}, after, is_partial)


async def _found(
    db: Transaction,
    person: DirectoryPerson,
    query: ListQuery,
    erps: Sequence[ErpConnection],
    authority: Authority | None,
) -> tuple[Sequence[ListRow], Cursor | None, bool]:
    """Return the rows of a page, at most PAGE_ROWS, what continues it, and whether it ended before it was full."""
    found: list[ListRow] = []
    after, looked_at = query.cursor, 0
    while True:
        page = await queries.page(db, person.company_id, query.view, only=query.filter, sort=query.order, after=after)
        rows = await list_rows(db, person.company_id, query.view, page.commitments, erps, authority)
        found.extend(row for row in rows if not query.is_of_blocked or row.group is Group.BLOCKED)
        looked_at += len(rows)
        after = page.next_after
        is_over = after is None or len(found) >= queries.PAGE_ROWS or looked_at >= MAX_LOOKED_AT
        if is_over or not query.is_of_blocked or page.is_partial:
            break
    if len(found) > queries.PAGE_ROWS:
        found = found[: queries.PAGE_ROWS]
        after = _position(query, found[-1])
    is_full = len(found) == queries.PAGE_ROWS
    return found, after, page.is_partial or (query.is_of_blocked and after is not None and not is_full)


def _position(query: ListQuery, row: ListRow) -> Cursor:
    """The position of a row in the list."""
    total = Decimal(row.summary.total) if query.order.is_by_total else Decimal()
    return Cursor(query.order, row.current.since, row.facts.id, total)


def _as_known(frame: ListFrame, query: ListQuery, rows: TriageRows) -> ListFrame:
    """The frame of the list; of those that are blocked, which nothing counts, with as many as were found up to here."""
    if not query.is_of_blocked:
        return frame
    return replace(frame, tally=Tally(query.at - 1 + len(rows.in_order), is_complete=rows.next_after is None))


async def _opened(
    db: Transaction,
    person: DirectoryPerson,
    query: ListQuery,
    rows: TriageRows,
    own: Sequence[Mark],
    form: RefusedForm,
    authority: Authority | None,
) -> Opened | None:
    """Return the commitment that the address names; otherwise the first one of the list."""
    ids = [row.facts.id for row in rows.in_order]
    shown = query.item or next(iter(ids), "")
    if not shown:
        return None
    listed = next((row for row in rows.in_order if row.facts.id == shown), None)
    stored = listed.stored if listed else await queries.find(db, person.company_id, shown)
    if stored is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    mark = next((mark for mark in own if mark.commitment_id == shown), None)
    read = form.revision or (mark.revision if mark else None)
    detail = await load_detail(db, person, stored, read, authority)
    held = await held_by(db, person, [shown])
    place = ids.index(shown) if shown in ids else -1
    unmarked = {row.facts.id for row in rows.in_order if row.mark is None and not row.held_by} - {shown}
    return Opened(
        replace(detail, row=replace(detail.row, mark=mark, held_by=held.get(shown, ""))),
        before=ids[place - 1] if place > 0 else "",
        after=ids[place + 1] if place + 1 < len(ids) else "",
        to_answer=next((each for each in [*ids[place + 1 :], *ids[: max(place, 0)]] if each in unmarked), ""),
    )


def _following(query: ListQuery, rows: TriageRows) -> ListQuery | None:
    if rows.next_after is None:
        return None
    return query.but(after=str(rows.next_after), at=query.at + len(rows.in_order))
