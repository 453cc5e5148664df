"""Holds what the desk sends as accepted for some seconds, in which it can be undone; then it is decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from schemas.events import DirectoryPerson
from services.approval.decisions import Decisions, record
from services.approval.judging import Answered, Asked
from services.approval.rules.answers import (
    Accept,
    AlreadyGranted,
    Answer,
    AnswerResult,
    Blocked,
    Conflict,
    Granted,
    Unacceptable,
)
from services.approval.rules.commitment import CurrentStatus, current_status
from services.approval.rules.marks import Mark, mark_of
from services.approval.storage import directory, marks, queries
from services.approval.storage.marks import MarkKey
from services.approval.storage.store import CommitmentStore
from services.pipeline.clock import Clock
from services.pipeline.crash import crash_at
from services.pipeline.database import Database, Transaction, may_succeed_later
from services.pipeline.errors import CatchingUpError
from services.pipeline.logs import FailureLog
from services.pipeline.outbox import Outbox, Written

CARRY_OUT_SECONDS = 0.5
NOT_POSSIBLE = "Countersign could not carry this out, so nothing was exported. Tell your administrator."
NO_ACCESS = "You may not accept any more, so nothing was exported."

log = structlog.get_logger()


class HeldAnswers:
    """Gives the answers of the desk: an acceptance begins after `undo_seconds`, everything else at once."""

    def __init__(
        self,
        decisions: Decisions,
        database: Database,
        outbox: Outbox,
        require_caught_up: Callable[[], None],
        undo_seconds: int,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._require_caught_up = require_caught_up
        self._undo = timedelta(seconds=undo_seconds)
        self._clock = clock or database.clock
        self._decisions = decisions
        self._store = CommitmentStore()
        self._failures = FailureLog()

    async def answer(
        self, commitment_id: str, who: DirectoryPerson, answer: Answer, traceparent: str | None = None
    ) -> Answered | None:
        """Give `answer` as `Decisions.answer` does; an acceptance that could be granted now is held."""
        if not isinstance(answer, Accept) or not self._undo:
            return await self._decisions.answer(commitment_id, who, answer, traceparent)
        self._require_caught_up()
        async with self._database.begin() as db:
            if await queries.find(db, who.company_id, commitment_id) is None:
                return None
            # under its lock, so that of two people only one can accept it
            facts = (await self._store.load(db, [commitment_id]))[commitment_id]
            (judged,) = await self._decisions.check(db, who, Asked(facts, answer))
            current = current_status(facts)
            if isinstance(judged.result, Granted) and current:
                now = self._clock()
                mark = mark_of(commitment_id, answer, current.summary, now)
                try:
                    await marks.save(db, who, [replace(mark, due_at=now + self._undo, traceparent=traceparent)])
                except marks.HeldMarkError as error:
                    return Answered(await _again(db, who, mark, current, str(error)), facts)
        return judged

    async def carry_out_due(self) -> int:
        """Decide what is due, one by one, each once however many processes do this; return how many were decided."""
        try:
            self._require_caught_up()
        except CatchingUpError:
            return 0
        async with self._database.autocommit() as db:
            keys = await marks.due(db, self._clock())
        return sum([await self._carry_out_or_refuse(key) for key in keys])

    async def _carry_out_or_refuse(self, key: MarkKey) -> bool:
        """Decide what is due; give it back to its person if that cannot succeed, since it would hold up the others."""
        try:
            return await self._carry_out(key)
        except Exception as error:
            if may_succeed_later(error):
                raise
            self._failures.defect("held_answer.failed", error, commitment_id=key[1])
        async with self._database.begin() as db:
            await marks.refuse(db, key, NOT_POSSIBLE)
        return False

    async def _carry_out(self, key: MarkKey) -> bool:
        """Decide what is due as its person's decision, if that person still may; otherwise say why not."""
        person_id, commitment_id = key
        written: Written | None = None
        async with self._database.begin() as db:
            facts = (await self._store.load(db, [commitment_id]))[commitment_id]
            mark = await marks.claim(db, key, self._clock())
            if mark is None:
                return False
            who = await directory.person(db, person_id)
            if who is None or not who.is_approver or who.company_id != facts.company_id:
                await marks.refuse(db, key, NO_ACCESS)
                return False
            judged = await self._decisions.judge(db, facts, who, mark.answer, mark.traceparent)
            if problem := _problem(judged.result):
                log.info("held_answer.not_carried_out", commitment_id=commitment_id, person_id=person_id)
                await marks.refuse(db, key, problem)
                return False
            if isinstance(judged.result, Granted):
                written = await record(db, self._store, self._outbox, facts, judged.result)
            await marks.done(db, key)
        crash_at("approval.after_decision")
        if written:
            self._outbox.hand_over(written)
        return written is not None


async def _again(
    db: Transaction, who: DirectoryPerson, mark: Mark, current: CurrentStatus, why_not: str
) -> AlreadyGranted | Conflict:
    """Return the result of accepting once more what is held: nothing new, unless `mark` asks for something else."""
    _, held = (await marks.held(db, who.company_id, [mark.commitment_id])).get(mark.commitment_id, ("", None))
    return AlreadyGranted(current) if held and held.answer == mark.answer else Conflict(current, why_not)


def _problem(result: AnswerResult) -> str:
    """Why an acceptance could not be carried out; empty if it was, now or before."""
    match result:
        case Granted() | AlreadyGranted():
            return ""
        case Blocked(_, findings):
            return " ".join([*(finding.text for finding in findings), "Nothing was exported."])
        case Unacceptable(_, problems):
            return " ".join([*(f"{each.text}." for each in problems), "Nothing was exported."])
        case Conflict(_, explanation):
            return explanation
