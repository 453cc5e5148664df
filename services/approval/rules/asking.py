"""Judges a question to the sender of a revision that waits, and the reply by its link."""

from collections.abc import Callable
from datetime import datetime, tzinfo

from schemas.commitment import Person
from schemas.envelope import new_event
from schemas.events import QuestionAnswered, QuestionAsked
from schemas.fields import Status
from services.approval.rules import event_handlers
from services.approval.rules.answers import AlreadyGranted, AnswerResult, Ask, Conflict, Granted
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus, current_status
from services.approval.rules.conflicts import asked_before, enough_was_asked, explanation
from services.approval.rules.guards import is_at
from services.approval.rules.orders import about
from services.approval.rules.questions import AskedQuestion
from services.approval.rules.status import SOURCE, summary

MAX_QUESTIONS = 5
"""About one revision; whoever has more should reject it, or call."""


def asked_about(facts: CommitmentFacts, revision: int) -> tuple[AskedQuestion, ...]:
    """The questions about `revision` with their replies."""
    return tuple(each for each in facts.asked if each.question.revision == revision)


def ask(
    facts: CommitmentFacts,
    question: Ask,
    by: Person,
    now: datetime,
    zone: tzinfo,
    link_of: Callable[[int], str],
    traceparent: str | None = None,
) -> AnswerResult:
    """The result of `question` by `by`; `link_of` makes the address for the reply to a question with that number."""
    current = current_status(facts)
    known = asked_about(facts, question.revision)
    same = next(
        (each for each in known if (each.question.text, each.question.by.id) == (question.question, by.id)), None
    )
    if current and same:
        return Conflict(current, asked_before(current)) if same.reply else AlreadyGranted(current)
    if current is None or not _waits(facts, current, question):
        return Conflict(current, explanation(facts, question.revision, now, zone))
    if len(known) >= MAX_QUESTIONS:
        return Conflict(current, enough_was_asked(current, len(known)))
    number = max((each.question.number for each in known), default=0) + 1
    asked = QuestionAsked(
        **about(facts, current),
        number=number,
        question=question.question,
        asked_by=by,
        answer_url=link_of(number),
        summary=summary(facts, current),
    )
    event = new_event(asked, source=SOURCE, time=now, traceparent=traceparent)
    decided = event_handlers.asked(facts, event, now)
    return Granted(event_handlers.publishing(event, decided))


def _waits(facts: CommitmentFacts, current: CurrentStatus, question: Ask) -> bool:
    return is_at(current, question.revision, Status.READY) and question.content_hash in facts.hashes


def question_of(facts: CommitmentFacts, revision: int, number: int) -> AskedQuestion | None:
    """The question about `revision` with this `number`; None if there is none."""
    return next((each for each in asked_about(facts, revision) if each.question.number == number), None)


def reply(
    facts: CommitmentFacts,
    revision: int,
    number: int,
    text: str,
    now: datetime,
    traceparent: str | None = None,
    *,
    tells_asker: bool = True,
) -> Granted | AlreadyGranted | None:
    """The result of a reply by the link of a question; None once the revision no longer waits or it has another.

    The event names who asked, and so causes a mail, only if it `tells_asker`.
    """
    current = current_status(facts)
    found = question_of(facts, revision, number)
    if current is None or found is None:
        return None
    if found.reply:
        return AlreadyGranted(current) if found.reply.text == text else None
    if not is_at(current, revision, Status.READY):
        return None
    answered = QuestionAnswered(
        **about(facts, current),
        number=number,
        answer=text,
        answered_by=current.summary.sent_by,
        question=found.question.text,
        asked_by=found.question.by if tells_asker else None,
        summary=summary(facts, current),
    )
    event = new_event(answered, source=SOURCE, time=now, traceparent=traceparent)
    return Granted(event_handlers.publishing(event, event_handlers.replied(facts, event, now)))
