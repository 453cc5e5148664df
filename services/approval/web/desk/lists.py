"""The desk's lists, one for each view, with the results of answers above them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import TEXT_PATTERN
from services.approval.rules.erp import is_held_back
from services.approval.rules.polled import is_in_trouble
from services.approval.storage import directory, queries
from services.approval.storage.queries import Cursor
from services.approval.storage.sessions import Session
from services.approval.storage.views import DEFAULT_SORTS, DeskView
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.columns import columns_for
from services.approval.web.desk.forms import Fields, FormProblem
from services.approval.web.desk.list_rows import ListRow, list_rows
from services.approval.web.desk.pages import VIEW_TITLES, Pages, see_other
from services.approval.web.desk.results import Result
from services.approval.web.desk.wording import EMPTY_SEARCH_WORDS, empty_list
from services.pipeline.database import Transaction

_WITH_OUTAGES = frozenset({DeskView.FAILED, DeskView.EXPORTING})
"""The views of what an ERP that is away keeps waiting."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which list is shown and which page of it, as in the address."""

    view: DeskView = DeskView.READY
    search: str = ""
    after: str = ""

    @classmethod
    def sent_from(cls, fields: Fields, view: DeskView) -> "ListQuery":
        """The page of the list of `view` that a form was sent from."""
        search, after = (fields.get(name, "").replace("\x00", "") for name in ("q", "after"))
        return cls(view, search, after)

    def address(self, **more: str) -> str:
        """The address of the list; `more` is added to its query."""
        query = {"view": self.view.value, "q": self.search, "after": self.after} | more
        return f"/commitments?{urlencode({name: text for name, text in query.items() if text})}"

    @property
    def cursor(self) -> Cursor | None:
        """The last row of the page before; a 404 if `after` is not one of ours."""
        if not self.after:
            return None
        cursor = queries.parse_cursor(self.after, DEFAULT_SORTS[self.view])
        if cursor is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return cursor


class ListPages:
    """Shows the lists."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._identity = dependencies.identity
        self._readers = dependencies.readers
        self._pages = pages

    async def show(
        self,
        person: DirectoryPerson,
        query: ListQuery,
        *,
        problems: Sequence[FormProblem] = (),
        chosen: Collection[str] = (),
        typed: Fields | None = None,
        results: Sequence[Result] = (),
        choose: str = "",
    ) -> Response:
        """Return the list; `chosen` rows and those of the kind `choose` are ticked, `typed` is in its form."""
        async with self._readers:
            async with self._database.begin() as db:
                found = await _page(db, person, query)
                counts = await queries.counts(db, person.company_id)
                erps = await directory.erps_of_company(db, person.company_id)
                rows = await list_rows(db, person.company_id, query.view, found.commitments, erps)
            following = replace(query, after=str(found.next_after)) if found.next_after else None
            return await self._pages.render_apart(
                "list.html",
                person=person,
                title=VIEW_TITLES[query.view],
                query=query,
                columns=columns_for(query.view, is_approver=person.is_approver, has_several_erps=len(erps) > 1),
                rows=rows,
                groups=_by_cause(rows) if query.view is DeskView.FAILED else {},
                counts=counts,
                following=following,
                is_partial=found.is_partial,
                unavailable=_those(is_held_back, erps) if query.view in _WITH_OUTAGES else (),
                in_trouble=_those(is_in_trouble, erps) if query.view in _WITH_OUTAGES else (),
                empty_search=EMPTY_SEARCH_WORDS[query.view],
                empty_list=empty_list(query.view, is_approver=person.is_approver),
                problems=problems,
                chosen=chosen,
                typed=typed or {},
                results=results,
                chosen_kind=choose,
            )

    async def show_results(self, request: Request, query: ListQuery, results: Sequence[Result]) -> Response:
        """Redirect to the list, which shows `results` above it as long as its address names them.

        The results are stored in the session; a sender without one only sees the list.
        """
        session = await self._identity.session(request)
        if session is None:
            return see_other(query.address())
        name = uuid4().hex
        await self._identity.sessions.update_state(
            session, results={"name": name, "lines": [asdict(each) for each in results]}
        )
        return see_other(query.address(done=name))


def list_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the lists."""
    router = APIRouter(include_in_schema=False)
    lists = ListPages(dependencies, pages)
    Viewer = Annotated[DirectoryPerson, Depends(dependencies.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/")
    async def front() -> Response:
        return see_other(ListQuery().address())

    @router.get("/commitments")
    async def show_list(
        request: Request,
        who: Viewer,
        view: DeskView = DeskView.READY,
        q: Annotated[str, Query(max_length=200, pattern=TEXT_PATTERN)] = "",
        after: Annotated[str, Query(max_length=300, pattern=TEXT_PATTERN)] = "",
        choose: str = "",
        done: str = "",
    ) -> Response:
        results = _results(await dependencies.identity.session(request), done) if done else ()
        return await lists.show(who, ListQuery(view, q, after), results=results, choose=choose)

    return router


def _results(session: Session | None, name: str) -> list[Result]:
    """The results that `session` stores under `name`."""
    stored = session.state.get("results", {}) if session else {}
    return [Result(**line) for line in stored["lines"]] if stored.get("name") == name else []


async def _page(db: Transaction, person: DirectoryPerson, query: ListQuery) -> queries.Page:
    only = queries.ListFilter(search=query.search.strip())
    return await queries.page(db, person.company_id, query.view, only=only, after=query.cursor)


def _by_cause(rows: Sequence[ListRow]) -> Mapping[Any, Sequence[ListRow]]:
    """Failed rows by failure class, in the order in which the first of each failed."""
    groups: dict[Any, list[ListRow]] = {}
    for row in rows:
        failure = row.current.ruling and row.current.ruling.failure
        groups.setdefault(failure and failure.failure_class, []).append(row)
    return groups


def _those(are: Callable[[ErpConnection], bool], erps: Sequence[ErpConnection]) -> list[ErpConnection]:
    return [erp for erp in erps if are(erp)]
