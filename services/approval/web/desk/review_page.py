"""The page "Check before export": all that an approver has marked, in one table, before it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response

from schemas.events import Change, DirectoryPerson
from services.approval.judging import Answered, Asked
from services.approval.rules.answers import AlreadyGranted, Granted
from services.approval.rules.commitment import standing_approval
from services.approval.rules.controls import Authority
from services.approval.rules.marks import Mark, Verb
from services.approval.storage import marks, queries, submissions
from services.approval.storage.queries import StoredCommitment
from services.approval.storage.reviews import review_many
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import MAX_TEXT, ListQuery
from services.approval.web.desk.carrying_out import carry_out
from services.approval.web.desk.detail import RefusedForm, previous_rejection
from services.approval.web.desk.forms import MAX_CHOICES, Choice, Fields, FormProblem, choices, text_fields
from services.approval.web.desk.list_rows import ListRow, reviewed_row
from services.approval.web.desk.lists import has_results, show_results
from services.approval.web.desk.pages import Pages, see_other
from services.approval.web.desk.results import result_of
from services.approval.web.desk.triage import TriagePage
from services.approval.web.desk.wording import totals
from services.pipeline.counting import counted
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class CheckedMark:
    """A mark with its commitment as it is now; `answered` is what sending it would do."""

    mark: Mark
    row: ListRow
    changes: Sequence[Change]
    why_erp: str
    answered: Answered

    @property
    def previous_rejection(self) -> tuple[int, str, str] | None:
        """(revision, who, reason) of the rejection that the revision answers."""
        return previous_rejection(self.row.facts)

    @property
    def is_possible(self) -> bool:
        """Whether the answer can be given, or was given before."""
        return isinstance(self.answered.result, Granted | AlreadyGranted)

    @property
    def why_not(self) -> str:
        """Why the answer cannot be given, in words."""
        return result_of(self.mark.answer, self.answered, self.row.erp_title).text

    @property
    def is_accepted(self) -> bool:
        """Whether it is marked to be exported."""
        return self.mark.verb is Verb.ACCEPT

    @property
    def is_first_approval(self) -> bool:
        """Whether it is accepted, and a second approver has to accept it before it is exported."""
        given = self.answered.result
        return self.is_accepted and isinstance(given, Granted) and standing_approval(given.decided.state) is not None

    @property
    def choice(self) -> str:
        """What the form sends for it: the answer, bound to the content that the page shows."""
        return Choice.marked(self.mark).value

    @property
    def has_more_to_read(self) -> bool:
        """Whether the approver has to see more than the list shows: a warning, an earlier revision or a document."""
        row = self.row
        has_more = self.mark.revision > 1 or row.findings or row.facts.unlinked_documents
        return not self.is_possible or (self.is_accepted and bool(has_more))


class ReviewPage:
    """Shows what is marked, and sends it."""

    def __init__(self, dependencies: Dependencies, pages: Pages) -> None:
        self._dependencies = dependencies
        self._database = dependencies.database
        self._readers = dependencies.readers
        self._pages = pages
        self._triage = TriagePage(dependencies, pages)

    async def show(self, who: DirectoryPerson, query: ListQuery) -> Response:
        """Return the page; the list if nothing is marked."""
        async with self._readers:
            async with self._database.begin() as db:
                outdated = await marks.outdated(db, who)
                own = sorted(await marks.of_person(db, who), key=lambda mark: mark.commitment_id in outdated)
                checked = await self._checked(db, who, own[:MAX_CHOICES])
            if not own:
                return see_other(query.address)
            return await self._pages.render_apart(
                "review.html",
                person=who,
                title="Check before export",
                query=query,
                later=len(own) - len(own[:MAX_CHOICES]),
                name=uuid4().hex,
                **_split(checked),
            )

    async def send(self, request: Request, who: DirectoryPerson, fields: Fields) -> Response:
        """Give the answers that the form names, if they are still marked so, and return to the list.

        A form that was sent before gets its results again. What could not be recorded stays marked.
        """
        query, name = ListQuery.read(fields.get("list", "")), fields.get("name", "")
        if name and await has_results(self._dependencies, request, name):
            return see_other(query.but(item="").address + f"&done={name}")
        if "quick" in fields and await self._has_more_to_read(who, fields):
            return see_other(query.review_address)
        chosen = choices(fields)
        if not chosen:
            problems = [FormProblem("choices", "Choose Accept for at least one commitment")]
            return await self._triage.show(who, query, refused=RefusedForm(fields, problems))
        sent = await self._marked(who, chosen, fields)
        if not sent:
            return see_other(query.review_address)
        answers = [(mark.commitment_id, mark.answer) for mark in sent]
        results = await carry_out(self._dependencies, request, who, answers)
        done = {result.commitment_id for result in results if result.is_done}
        async with self._database.begin() as db:
            await marks.clear_sent(db, who, [mark for mark in sent if mark.commitment_id in done])
        return await show_results(self._dependencies, request, query.but(), results, name)

    async def _has_more_to_read(self, who: DirectoryPerson, fields: Fields) -> bool:
        async with self._readers, self._database.begin() as db:
            own = await marks.of_person(db, who)
            checked = await self._checked(db, who, own[:2])
        is_this = [each.choice for each in checked] == [choice.value for choice in choices(fields)]
        return len(checked) != 1 or not is_this or checked[0].has_more_to_read

    async def _marked(self, who: DirectoryPerson, chosen: Sequence[Choice], fields: Fields) -> list[Mark]:
        """The marks that the form names, unless they were made anew since it was shown."""
        async with self._database.begin() as db:
            own = {mark.commitment_id: mark for mark in await marks.of_person(db, who)}
        found = [(own.get(choice.commitment_id), choice) for choice in chosen]
        return [mark for mark, choice in found if mark and _is_named(mark, choice, fields)]

    async def _checked(self, db: Transaction, who: DirectoryPerson, own: Sequence[Mark]) -> list[CheckedMark]:
        authority = await self._dependencies.decisions.authority(db, who)
        known = await queries.find_many(db, who.company_id, [mark.commitment_id for mark in own])
        marked = [mark for mark in own if mark.commitment_id in known]
        keys = {mark: _key(known[mark.commitment_id]) for mark in marked}
        sizes = await submissions.sizes(db, list(keys.values()))
        checked: list[CheckedMark] = []
        for group in submissions.in_groups(list(keys.values()), sizes):
            part = [mark for mark in marked if keys[mark] in group]
            checked += await self._checked_together(db, who, part, known, authority)
        return checked

    async def _checked_together(
        self,
        db: Transaction,
        who: DirectoryPerson,
        marked: Sequence[Mark],
        known: Mapping[str, StoredCommitment],
        authority: Authority | None,
    ) -> list[CheckedMark]:
        stored = [known[mark.commitment_id] for mark in marked]
        found = await review_many(db, who.company_id, stored, authority)
        asked = [
            Asked(each.facts, mark.answer).with_checked(each.submissions)
            for mark, each in zip(marked, found, strict=True)
        ]
        answered = await self._dependencies.decisions.check(db, who, *asked)
        return [
            CheckedMark(mark, reviewed_row(each), each.changes, each.why_erp, result)
            for mark, each, result in zip(marked, found, answered, strict=True)
        ]


def review_router(dependencies: Dependencies, pages: Pages) -> APIRouter:
    """Return the routes of the review."""
    router = APIRouter(include_in_schema=False)
    page = ReviewPage(dependencies, pages)
    Approver = Annotated[DirectoryPerson, Depends(dependencies.identity.require_approver)]  # noqa: N806 - a type

    @router.get("/review")
    async def show(who: Approver, list_text: Annotated[str, Query(alias="list", max_length=MAX_TEXT)] = "") -> Response:
        return await page.show(who, ListQuery.read(list_text))

    @router.post("/review")
    async def send(request: Request, who: Approver) -> Response:
        return await page.send(request, who, await text_fields(request))

    return router


def _key(stored: StoredCommitment) -> submissions.Key:
    (content_hash, *_) = sorted(stored.facts.hashes) or [""]
    return stored.facts.id, stored.current.revision, content_hash


def _is_named(mark: Mark, choice: Choice, fields: Fields) -> bool:
    is_same = (mark.verb, mark.revision, mark.content_hash) == (choice.verb, choice.revision, choice.content_hash)
    return is_same and fields.get(f"at-{mark.commitment_id}", mark.at.isoformat()) == mark.at.isoformat()


def _split(checked: Sequence[CheckedMark]) -> Mapping[str, object]:
    possible = [each for each in checked if each.is_possible]
    approved = [each for each in possible if each.is_first_approval]
    exported = [each for each in possible if each.is_accepted and not each.is_first_approval]
    rejected = len(possible) - len(approved) - len(exported)
    return {
        "possible": possible,
        "impossible": [each for each in checked if not each.is_possible],
        "is_only_rejected": rejected == len(possible),
        "sending": _what_is_done(len(exported), len(approved), rejected),
        "totals": totals([each.row.summary for each in exported]),
    }


def _what_is_done(exported: int, approved: int, rejected: int) -> str:
    """What sending does, such as "Export 3 commitments" or "Export 38, reject 4"."""
    done = [("export", exported, ""), ("approve", approved, " as the first approver"), ("reject", rejected, "")]
    parts = [(verb, count, rest) for verb, count, rest in done if count]
    if len(parts) == 1:
        ((verb, count, rest),) = parts
        return f"{verb.capitalize()} {counted(count, 'commitment')}{rest}"
    return ", ".join(f"{verb} {count}{rest}" for verb, count, rest in parts).capitalize()
