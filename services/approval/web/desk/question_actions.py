"""Questions to the sender: asked beside a commitment, and answered by the signed link in the mail."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from schemas.events import DirectoryPerson
from schemas.fields import Status
from schemas.links import QuestionLink, read_question
from services.approval.rules.answers import AlreadyGranted, Ask, Granted
from services.approval.rules.asking import asked_about
from services.approval.rules.commitment import current_status
from services.approval.rules.questions import AskedQuestion
from services.approval.storage import queries
from services.approval.storage.queries import StoredCommitment
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import forms
from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.detail import RefusedForm
from services.approval.web.desk.forms import Choice, Fields, FormProblem
from services.approval.web.desk.lists import show_results
from services.approval.web.desk.pages import Pages
from services.approval.web.desk.results import Result
from services.approval.web.desk.triage import TriagePage
from services.approval.web.tracing import traceparent_of


class QuestionActions:
    """Asks, and takes replies."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._pages = pages
        self._triage = TriagePage(dependencies, pages)

    async def ask(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Ask the sender, and return to the list; what is wrong is shown beside the commitment."""
        choice = Choice.of(fields.get("ask", ""))
        here = ListQuery.read(fields.get("list", "")).showing(choice.commitment_id)
        text = forms.seen_text(fields, "question")
        if problems := forms.question_problems("question", text, "Enter your question to the sender"):
            return await self._triage.show(who, here, refused=RefusedForm(fields, problems))
        question = Ask(revision=choice.revision, content_hash=choice.content_hash, question=text)
        trace = traceparent_of(request)
        asked = await self._dependencies.questions.ask(choice.commitment_id, who, question, trace)
        if asked is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if not isinstance(asked.result, Granted | AlreadyGranted):
            words = getattr(asked.result, "explanation", "")
            return await self._triage.show(who, here, refused=RefusedForm(fields, refusal=words))
        current = current_status(asked.facts)
        summary = current.summary if current else None
        words = (
            f"Asked. {summary.sent_by.name} gets a mail about {summary.number}, which still waits." if summary else ""
        )
        number = summary.number if summary else ""
        results = [Result(choice.commitment_id, number, is_done=True, text=words)]
        return await show_results(self._dependencies, request, here, results)

    async def show(self, token: str, problems: list[FormProblem] | None = None, typed: str = "") -> Response:
        """Return the page of a link: its question with a form, or why it can no longer be answered there."""
        link = self._link(token)
        async with self._dependencies.database.begin() as db:
            stored = await queries.find(db, link.company_id, link.commitment_id)
        found = _found(stored, link)
        if stored is None or found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        current = stored.current
        waits = current.status is Status.READY and current.revision == link.revision and found.reply is None
        return await self._pages.render_apart(
            "reply.html",
            title=f"Question about {current.summary.number}",
            token=token,
            asked=found,
            summary=current.summary,
            waits=waits,
            problems=problems or [],
            typed=typed,
        )

    async def reply(self, request: Request, token: str, fields: Fields) -> Response:
        """Take the reply; one that comes too late is not lost from the page."""
        link, text = self._link(token), forms.seen_text(fields, "answer")
        if problems := forms.question_problems("answer", text, "Enter your answer"):
            return await self.show(token, problems, text)
        if await self._dependencies.questions.reply(link, text, traceparent_of(request)):
            return self._pages.message(
                "Your answer was sent",
                "The accounting approvers see it beside the commitment, which still waits for them.",
                "You can close this page.",
                status=HTTPStatus.OK,
                is_final=True,
            )
        return self._pages.message(
            "Your answer was not recorded",
            "The question has an answer already, or the commitment no longer waits with this revision.",
            status=HTTPStatus.CONFLICT,
            kept=text,
        )

    def _link(self, token: str) -> QuestionLink:
        link = read_question(self._dependencies.settings.link_secret, token)
        if link is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return link


def question_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of questions, and of the link by which a sender answers."""
    router = APIRouter(include_in_schema=False)
    actions = QuestionActions(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.post("/questions")
    async def ask(request: Request, who: Approver) -> Response:
        return await actions.ask(request, who, await forms.text_fields(request))

    @router.get("/q/{token:path}")
    async def show(token: str) -> Response:
        # Mail software opens links to scan them, so opening one must not change anything.
        return await actions.show(token)

    @router.post("/q/{token:path}")
    async def reply(request: Request, token: str) -> Response:
        # Whoever was asked need not be able to sign in; the signed link says which question this answers.
        return await actions.reply(request, token, await forms.text_fields(request))

    return router


def _found(stored: StoredCommitment | None, link: QuestionLink) -> AskedQuestion | None:
    if stored is None:
        return None
    known = asked_about(stored.facts, link.revision)
    return next((each for each in known if each.question.number == link.number), None)
