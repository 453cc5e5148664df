"""The page on which approvers hand their amount limit to others, for some days."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError

from schemas.events import DirectoryPerson
from schemas.fields import TEXT_PATTERN
from services.approval.rules.delegations import MAX_DELEGATIONS, Delegation, NewDelegation, day_of
from services.approval.storage import delegations, directory
from services.approval.web.delegated import delegate, shown_delegations
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.forms import Fields, FormProblem, read_date, text_fields
from services.approval.web.desk.pages import Pages, see_other
from services.pipeline.clock import utc_now

ADDRESS = "/delegations"
DelegationId = Annotated[str, Path(max_length=64, pattern=TEXT_PATTERN)]


class DelegationPage:
    """Shows, adds and ends what a person has delegated."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._database = dependencies.database
        self._decisions = dependencies.decisions
        self._pages = pages

    async def show(self, who: DirectoryPerson, fields: Fields | None = None, *problems: FormProblem) -> Response:
        """Return the page; `fields` are what was entered, with `problems`."""
        now = utc_now()
        async with self._database.begin() as db:
            shown = await shown_delegations(db, who, now)
            approvers = await directory.approvers_of_company(db, who.company_id)
        own, rules = [each for each in shown if each.is_theirs], self._decisions.rules_of(who.company_id)
        today = day_of(who, now).isoformat()
        return await self._pages.render_apart(
            "delegations.html",
            person=who,
            title="Delegations",
            own=own,
            got=[each for each in shown if not each.is_theirs],
            others=[each for each in approvers if each.person_id != who.person_id],
            limits=rules.limits_of(who.person_id),
            has_limits=rules.has_limits,
            today=today,
            may_add=len(own) < MAX_DELEGATIONS,
            problems=problems,
            typed=fields or {"first_day": today, "last_day": today},
        )

    async def add(self, who: DirectoryPerson, fields: Fields) -> Response:
        """Add what was entered and return to the page."""
        wanted = _entered(fields)
        if not isinstance(wanted, NewDelegation):
            return await self.show(who, fields, *wanted)
        async with self._database.begin() as db:
            added = await delegate(db, who, wanted, utc_now())
        if isinstance(added, Delegation):
            return see_other(ADDRESS)
        return await self.show(who, fields, *(FormProblem(each.member, each.text) for each in added))

    async def end(self, who: DirectoryPerson, delegation_id: str) -> Response:
        """End one and return to the page, also if it is over."""
        async with self._database.begin() as db:
            await delegations.end(db, who, delegation_id)
        return see_other(ADDRESS)


def delegation_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of a person's delegations."""
    router = APIRouter(include_in_schema=False, prefix=ADDRESS)
    page = DelegationPage(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.get("")
    async def show(who: Approver) -> Response:
        return await page.show(who)

    @router.post("")
    async def add(request: Request, who: Approver) -> Response:
        return await page.add(who, await text_fields(request))

    @router.post("/{delegation_id}/end")
    async def end(who: Approver, delegation_id: DelegationId) -> Response:
        return await page.end(who, delegation_id)

    return router


def _entered(fields: Fields) -> NewDelegation | list[FormProblem]:
    days: dict[str, date] = {}
    problems = []
    if not fields.get("to"):
        problems.append(FormProblem("to", "Choose who gets your limit"))
    for name, words in (("first_day", "Enter the first day"), ("last_day", "Enter the last day")):
        day, _ = read_date(fields.get(name, "").strip())
        if day is None:
            problems.append(FormProblem(name, f"{words}, such as 2026-12-04"))
        else:
            days[name] = day
    if problems:
        return problems
    try:
        return NewDelegation(to=fields["to"], first_day=days["first_day"], last_day=days["last_day"])
    except ValidationError:
        return [FormProblem("to", "Choose an accounting approver of your company")]
