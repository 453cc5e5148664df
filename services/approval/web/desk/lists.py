"""The lists of the desk, one for each view: what waits, what failed, what is on its way, and what has an outcome."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson, ErpConnection
from schemas.fields import TEXT_PATTERN
from services.approval.identity.sign_in.sessions import Session
from services.approval.storage import queries
from services.approval.storage.queries import DeskView
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.list_rows import Row, rows_of
from services.approval.web.desk.pages import VIEW_TITLES, Pages, see_other
from services.approval.web.desk.parts import Parts
from services.approval.web.desk.results import Result


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the lists somebody is; all of it stands in the address."""

    view: DeskView = DeskView.READY
    search: str = ""
    after: str = ""

    def address(self, **more: str) -> str:
        """The address of this place; `more` joins its query."""
        query = {"view": self.view.value, "q": self.search, "after": self.after} | more
        return f"/commitments?{urlencode({name: text for name, text in query.items() if text})}"

    @property
    def keyset(self) -> queries.Place | None:
        """The last row of the page before; a 404 where `after` is not one of our own."""
        if not self.after:
            return None
        place = queries.read_place(self.after)
        if place is None:
            raise HTTPException(404)
        return place


class Lists:
    """Shows the lists."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def show(
        self,
        person: DirectoryPerson,
        place: Place,
        *,
        status: int = 200,
        problems: Sequence[FormProblem] = (),
        chosen: Collection[str] = (),
        **values: Any,
    ) -> Response:
        """Return the list at `place`; `chosen` are the answers that are ticked."""
        async with self._parts.database.begin() as db:
            found = await queries.page(
                db, person.company_id, place.view, search=place.search.strip(), after=place.keyset
            )
            counts = await queries.counts(db, person.company_id)
            erps = await queries.connections(db, person.company_id)
            rows = await rows_of(db, person.company_id, place.view, found.rows)
        following = replace(place, after=str(found.next_after)) if found.next_after else None
        defaults = {"typed": {}, "results": (), "is_all_chosen": False}
        return self._pages.render(
            "list.html",
            person=person,
            status=status,
            title=VIEW_TITLES[place.view],
            place=place,
            rows=rows,
            groups=_by_cause(rows) if place.view is DeskView.FAILED else {},
            counts=counts,
            following=following,
            silent=_silent(erps) if place.view in (DeskView.FAILED, DeskView.EXPORTING) else (),
            problems=problems,
            chosen=chosen,
            **{**defaults, **values},
        )

    async def show_results(self, request: Request, place: Place, results: Sequence[Result]) -> Response:
        """Send the browser to the list at `place`, which shows `results` above it for as long as the address says so.

        The results are kept in the session, so a caller without one only sees the list.
        """
        session = await self._parts.identity.session(request)
        if session is None:
            return see_other(place.address())
        name = uuid4().hex
        await self._parts.identity.sessions.remember(
            session, results={"name": name, "lines": [asdict(each) for each in results]}
        )
        return see_other(place.address(done=name))


def list_router(parts: Parts, pages: Pages) -> APIRouter:
    """Return the routes of the lists."""
    router = APIRouter(include_in_schema=False)
    lists = Lists(parts, pages)
    Viewer = Annotated[DirectoryPerson, Depends(parts.identity.require_viewer)]  # noqa: N806 - a type

    @router.get("/")
    async def front() -> Response:
        return see_other(Place().address())

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
        results = _results(await parts.identity.session(request), done) if done else ()
        return await lists.show(who, Place(view, q, after), results=results, is_all_chosen=choose == "accept")

    return router


def _results(session: Session | None, name: str) -> list[Result]:
    """The results that `session` keeps under `name`."""
    kept = session.state.get("results", {}) if session else {}
    return [Result(**line) for line in kept["lines"]] if kept.get("name") == name else []


def _by_cause(rows: Sequence[Row]) -> Mapping[Any, Sequence[Row]]:
    """Failed rows under their failure class, in the order in which the first of each failed."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        failure = row.view.ruling and row.view.ruling.failure
        groups.setdefault(failure and failure.failure_class, []).append(row)
    return groups


def _silent(erps: Sequence[ErpConnection]) -> list[ErpConnection]:
    """The connections whose calls are held back, since the ERP has not answered."""
    return [erp for erp in erps if erp.circuit_open_since]
