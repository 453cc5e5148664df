"""The tool's pages: list with ribbons, one commitment, form, directory; a cookie says who acts."""

from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from sandbox.commitments.actions import STATUS_LABELS, TrackedCommitment, actions_for
from sandbox.commitments.api import find, known_person
from sandbox.commitments.draft import VENDORS, Draft, DraftError, DraftLine
from sandbox.commitments.problems import Problem, describe
from sandbox.commitments.tool import CommitmentsTool, Rights
from sandbox.pages import LIVE, Pages
from sandbox.people import JOBS, PEOPLE
from schemas.examples.cast import SAM
from schemas.fields import Kind, Note, ToolLevel

SPARE_LINES = 3
LINE_PREFIX = "line_"


def add_pages(app: FastAPI, tool: CommitmentsTool, pages: Pages) -> None:
    """Add the pages of `tool` to `app`."""
    screen = _Screen(tool, pages)
    _add_reading(app, screen)
    _add_form(app, screen)
    _add_buttons(app, tool)
    _add_directory(app, screen)


class _Screen:
    """Renders the tool's pages for the person who acts."""

    def __init__(self, tool: CommitmentsTool, pages: Pages) -> None:
        self.tool = tool
        self._pages = pages

    def live(self, request: Request, template: str, **values: Any) -> HTMLResponse:
        """A page that refreshes itself."""
        return self.render(request, template, policy=LIVE, **values)

    def render(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        actor = self.tool.people[_actor(request)]
        people = list(self.tool.people.values())
        return self._pages.render(
            template, status=status, actor=actor, people=people, jobs=JOBS, labels=STATUS_LABELS, **values
        )

    def form(
        self,
        request: Request,
        typed: dict[str, Any],
        tracked: TrackedCommitment | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> HTMLResponse:
        vendors = dict(VENDORS)
        if tracked:
            vendors[tracked.commitment.vendor.id] = tracked.commitment.vendor
        return self.render(
            request,
            "form.html",
            status=422 if problems else 200,
            typed=typed,
            lines=[*typed.get("lines", ()), *({} for _ in range(SPARE_LINES))],
            tracked=tracked,
            locked=tracked.locked_fields if tracked else frozenset(),
            problems=problems,
            wrong={problem.field: problem.text for problem in problems},
            vendors=list(vendors.values()),
            kinds=list(Kind),
        )


def _add_reading(app: FastAPI, screen: _Screen) -> None:
    tool = screen.tool

    @app.get("/")
    async def index(request: Request) -> HTMLResponse:
        return screen.live(request, "list.html", rows=list(tool.tracked.values())[::-1])

    @app.get("/commitments/{commitment_id}")
    async def one(request: Request, commitment_id: str) -> HTMLResponse:
        tracked = find(tool, commitment_id)
        actions = actions_for(tracked, tool.level(_actor(request)))
        return screen.live(request, "commitment.html", tracked=tracked, actions=actions)

    @app.post("/acting")
    async def act_as(request: Request, person_id: Annotated[str, Form()]) -> RedirectResponse:
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(_cookie(request), known_person(person_id), httponly=True, samesite="lax")
        return response


def _add_form(app: FastAPI, screen: _Screen) -> None:
    tool = screen.tool

    @app.get("/new")
    async def new(request: Request) -> HTMLResponse:
        return screen.form(request, {"status": "Approved", "currency": "USD"})

    @app.post("/new")
    async def create(request: Request) -> Response:
        typed = _typed(await request.form())
        try:
            tracked = tool.create(Draft.model_validate(typed), _actor(request))
        except (ValidationError, DraftError) as error:
            return screen.form(request, typed, problems=_problems(error))
        return RedirectResponse(f"/commitments/{tracked.commitment.id}", status_code=303)

    @app.get("/commitments/{commitment_id}/edit")
    async def edit(request: Request, commitment_id: str) -> HTMLResponse:
        tracked = find(tool, commitment_id)
        tool.require_editable(commitment_id, _actor(request))
        return screen.form(request, Draft.of(tracked.commitment).model_dump(exclude_none=True), tracked)

    @app.post("/commitments/{commitment_id}/edit")
    async def change(request: Request, commitment_id: str) -> Response:
        tracked, typed = find(tool, commitment_id), _typed(await request.form())
        try:
            tool.edit(commitment_id, Draft.model_validate(typed), _actor(request))
        except (ValidationError, DraftError) as error:
            return screen.form(request, typed, tracked, _problems(error))
        return RedirectResponse(f"/commitments/{commitment_id}", status_code=303)


def _add_buttons(app: FastAPI, tool: CommitmentsTool) -> None:
    async def show(commitment_id: str) -> RedirectResponse:
        await tool.wait_until_confirmed(commitment_id)
        return RedirectResponse(f"/commitments/{commitment_id}", status_code=303)

    @app.post("/commitments/{commitment_id}/send")
    async def send(request: Request, commitment_id: str, note: Annotated[Note, Form()] = "") -> RedirectResponse:
        find(tool, commitment_id)
        await tool.send(commitment_id, _actor(request), note)
        return await show(commitment_id)

    @app.post("/commitments/{commitment_id}/resend")
    async def resend(request: Request, commitment_id: str, note: Annotated[Note, Form()] = "") -> RedirectResponse:
        find(tool, commitment_id)
        await tool.resend(commitment_id, _actor(request), note)
        return await show(commitment_id)

    @app.post("/commitments/{commitment_id}/retrieve")
    async def retrieve(request: Request, commitment_id: str) -> RedirectResponse:
        find(tool, commitment_id)
        await tool.retrieve(commitment_id, _actor(request))
        return await show(commitment_id)


def _add_directory(app: FastAPI, screen: _Screen) -> None:
    @app.get("/directory")
    async def directory(request: Request) -> HTMLResponse:
        return screen.render(request, "directory.html", levels=list(ToolLevel))

    @app.post("/directory/{person_id}")
    async def change(person_id: str, rights: Annotated[Rights, Form()]) -> RedirectResponse:
        await screen.tool.change_person(known_person(person_id), rights)
        return RedirectResponse("/directory", status_code=303)


def _actor(request: Request) -> str:
    person_id = request.cookies.get(_cookie(request), SAM.id)
    return person_id if person_id in PEOPLE else SAM.id


def _cookie(request: Request) -> str:
    """The cookie's name, with our port: browsers send a cookie to every port of a host, where another demo may run."""
    return f"acting_person_{request.url.port}"


def _typed(form: FormData) -> dict[str, Any]:
    """The form's fields as a draft takes them, without empty lines."""
    columns = [form.getlist(f"{LINE_PREFIX}{name}") for name in DraftLine.model_fields]
    rows = [dict(zip(DraftLine.model_fields, row, strict=True)) for row in zip(*columns, strict=False)]
    lines = [row for row in rows if any(row.values())]
    return {name: form[name] for name in form if not name.startswith(LINE_PREFIX)} | {"lines": lines}


def _problems(error: ValidationError | DraftError) -> tuple[Problem, ...]:
    return describe(error) if isinstance(error, ValidationError) else error.problems
