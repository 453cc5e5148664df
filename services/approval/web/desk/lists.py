"""The desk's lists, one for each view, with the results of answers above them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.rules.erp import is_held_back
from services.approval.rules.polled import is_in_trouble
from services.approval.storage import queries
from services.approval.storage.sessions import Session
from services.approval.storage.views import DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.causes import by_cause
from services.approval.web.desk.columns import columns_for
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.list_frame import list_frame
from services.approval.web.desk.list_rows import list_rows
from services.approval.web.desk.pages import VIEW_TITLES, Pages, see_other
from services.approval.web.desk.results import Result
from services.approval.web.desk.triage import TriagePage
from services.approval.web.desk.wording import empty_words

_WITH_OUTAGES = frozenset({DeskView.FAILED, DeskView.EXPORTING})
"""The views of what an ERP that is away keeps waiting."""


class ListPages:
    """Shows the lists."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._pages = pages
        self._triage = TriagePage(dependencies, pages)

    async def show(
        self,
        person: DirectoryPerson,
        query: ListQuery,
        *,
        problems: Sequence[FormProblem] = (),
        chosen: Collection[str] = (),
        results: Sequence[Result] = (),
        choose: str = "",
    ) -> Response:
        """Return the list; `chosen` rows and those of the kind `choose` are ticked."""
        if query.view is DeskView.READY:
            return await self._triage.show(person, query, results=results)
        async with self._readers:
            async with self._database.begin() as db:
                frame = await list_frame(db, person, query, self._database.clock())
                found = await queries.page(
                    db, person.company_id, query.view, only=query.filter, sort=query.order, after=query.cursor
                )
                rows = await list_rows(db, person.company_id, query.view, found.commitments, frame.erps)
            following = query.but(after=str(found.next_after), at=query.at + len(rows)) if found.next_after else None
            return await self._pages.render_apart(
                "list.html",
                person=person,
                title=VIEW_TITLES[query.view],
                query=query,
                frame=frame,
                columns=columns_for(query.view, is_approver=person.is_approver, has_several_erps=len(frame.erps) > 1),
                rows=rows,
                groups=by_cause(rows) if query.view is DeskView.FAILED else {},
                following=following,
                is_partial=found.is_partial,
                **_outages(query.view, frame.erps),
                **empty_words(query.view, is_approver=person.is_approver),
                problems=[*problems, *query.problems],
                chosen=chosen,
                results=results,
                chosen_kind=choose,
            )


async def show_results(
    dependencies: Dependencies, request: Request, query: ListQuery, results: Sequence[Result], name: str = ""
) -> Response:
    """Redirect to the list, which shows `results` above it as long as its address names them.

    The results are stored in the session; a sender without one only sees the list.
    """
    session = await dependencies.identity.session(request)
    if session is None:
        return see_other(query.address)
    name = name or uuid4().hex
    stored = {"name": name, "lines": [asdict(each) for each in results]}
    await dependencies.identity.sessions.update_state(session, results=stored)
    return see_other(f"{query.address}&done={name}")


async def has_results(dependencies: Dependencies, request: Request, name: str) -> bool:
    """Whether the sender's session stores results under `name`."""
    return bool(_results(await dependencies.identity.session(request), name))


def list_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the lists."""
    router = APIRouter(include_in_schema=False)
    lists = ListPages(dependencies, pages)
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/")
    async def front() -> Response:
        return see_other(ListQuery().address)

    @router.get("/commitments")
    async def show_list(
        request: Request, who: Viewer, query: Annotated[ListQuery, Query()], choose: str = "", done: str = ""
    ) -> Response:
        results = _results(await dependencies.identity.session(request), done) if done else ()
        return await lists.show(who, query, results=results, choose=choose)

    return router


def _results(session: Session | None, name: str) -> list[Result]:
    """The results that `session` stores under `name`."""
    stored = session.state.get("results", {}) if session else {}
    return [Result(**line) for line in stored["lines"]] if stored.get("name") == name else []


def _outages(view: DeskView, erps: Sequence[ErpConnection]) -> Mapping[str, Sequence[ErpConnection]]:
    """The ERPs that keep commitments of the view waiting: they do not answer, or their client has trouble."""
    shown = erps if view in _WITH_OUTAGES else ()
    return {
        "unavailable": [erp for erp in shown if is_held_back(erp)],
        "in_trouble": [erp for erp in shown if is_in_trouble(erp)],
    }
