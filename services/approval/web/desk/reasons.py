"""The pages on which approvers keep reasons for rejecting, and the field that uses them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from schemas.fields import TEXT_PATTERN
from services.approval.rules.reason_templates import (
    MAX_TEMPLATES,
    MAX_TITLE_CHARACTERS,
    TOO_MANY,
    ReasonText,
    reason_with,
)
from services.approval.storage import reason_templates
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import (
    Fields,
    FormProblem,
    choices,
    kept_reason_problems,
    reason_problems,
    seen_text,
    text_fields,
)
from services.approval.web.desk.pages import Pages, see_other
from services.pipeline.clock import utc_now
from services.pipeline.counting import counted
from services.pipeline.database import Database

TEMPLATE_FIELD = "reason_template"
GONE = "The chosen reason was deleted meanwhile. Choose another one, or enter a reason"
TemplateId = Annotated[str, Path(max_length=64, pattern=TEXT_PATTERN)]


class ReasonPages:
    """Shows and changes the reasons that a company keeps."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._pages = pages

    async def show(self, who: DirectoryPerson, fields: Fields | None = None, *problems: FormProblem) -> Response:
        """Return the list with the form that adds one; `fields` are what was entered, with `problems`."""
        async with self._database.begin() as db:
            found = await reason_templates.of_company(db, who.company_id)
        return await self._pages.render_apart(
            "reasons.html",
            person=who,
            title="Reasons for rejecting",
            templates=found,
            may_add=len(found) < MAX_TEMPLATES,
            most=MAX_TEMPLATES,
            most_characters=MAX_TITLE_CHARACTERS,
            problems=problems,
            typed=fields or {},
        )

    async def show_one(
        self, who: DirectoryPerson, template_id: str, fields: Fields | None = None, *problems: FormProblem
    ) -> Response:
        """Return the page that changes one; a 404 if it was deleted, or never was the company's."""
        async with self._database.begin() as db:
            found = await reason_templates.find(db, who.company_id, template_id)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return await self._pages.render_apart(
            "reason.html",
            person=who,
            title=f"Change the reason {found.title}",
            kept=found,
            most_characters=MAX_TITLE_CHARACTERS,
            problems=problems,
            typed=fields or {"title": found.title, "text": found.text},
        )

    async def add(self, who: DirectoryPerson, fields: Fields) -> Response:
        """Add what was entered and return to the list."""
        if problems := kept_reason_problems(fields, MAX_TITLE_CHARACTERS):
            return await self.show(who, fields, *problems)
        async with self._database.begin() as db:
            added = await reason_templates.add(db, who.company_id, _entered(fields), who.as_person, utc_now())
        return see_other("/reasons") if added else await self.show(who, fields, FormProblem("title", TOO_MANY))

    async def change(self, who: DirectoryPerson, template_id: str, fields: Fields) -> Response:
        """Change one to what was entered and return to the list."""
        if problems := kept_reason_problems(fields, MAX_TITLE_CHARACTERS):
            return await self.show_one(who, template_id, fields, *problems)
        entered = _entered(fields)
        async with self._database.begin() as db:
            changed = await reason_templates.change(db, who.company_id, template_id, entered, who.as_person, utc_now())
        if changed is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return see_other("/reasons")

    async def remove(self, who: DirectoryPerson, template_id: str) -> Response:
        """Delete one and return to the list, also if somebody has deleted it before."""
        async with self._database.begin() as db:
            await reason_templates.remove(db, who.company_id, template_id)
        return see_other("/reasons")


def reason_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the reasons that a company keeps."""
    router = APIRouter(include_in_schema=False, prefix="/reasons")
    kept = ReasonPages(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.get("")
    async def show(who: Approver) -> Response:
        return await kept.show(who)

    @router.post("")
    async def add(request: Request, who: Approver) -> Response:
        return await kept.add(who, await text_fields(request))

    @router.get("/{template_id}")
    async def show_one(who: Approver, template_id: TemplateId) -> Response:
        return await kept.show_one(who, template_id)

    @router.post("/{template_id}/change")
    async def change(request: Request, who: Approver, template_id: TemplateId) -> Response:
        return await kept.change(who, template_id, await text_fields(request))

    @router.post("/{template_id}/delete")
    async def remove(who: Approver, template_id: TemplateId) -> Response:
        return await kept.remove(who, template_id)

    return router


async def with_kept_reason(database: Database, company_id: str, fields: Fields) -> tuple[Fields, list[FormProblem]]:
    """Return `fields` with the chosen reason before what was typed, and a problem if it was deleted meanwhile."""
    chosen = fields.get(TEMPLATE_FIELD, "").replace("\x00", "")
    if not chosen:
        return fields, []
    async with database.begin() as db:
        found = await reason_templates.find(db, company_id, chosen)
    if found is None:
        return fields, [FormProblem("reason", GONE)]
    return {**fields, TEMPLATE_FIELD: "", "reason": reason_with(found.text, seen_text(fields, "reason"))}, []


async def read_rejections(database: Database, company_id: str, fields: Fields) -> tuple[Fields, list[FormProblem]]:
    """Return the form that rejects several with its chosen reason filled in, and what is wrong with it."""
    chosen = choices(fields)
    fields, problems = await with_kept_reason(database, company_id, fields)
    if not problems and not chosen:
        problems = [FormProblem("choices", "Choose at least one commitment")]
    elif not problems:
        problems = reason_problems(seen_text(fields, "reason"), counted(len(chosen), "commitment"))
    return fields, problems


def _entered(fields: Fields) -> ReasonText:
    """What was entered; `fields` have been checked."""
    return ReasonText(title=fields.get("title", ""), text=seen_text(fields, "text"))
