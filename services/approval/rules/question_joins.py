"""Joins questions to the sender, and replies, to the facts: of each only those about the highest revision are kept."""

from datetime import UTC

from schemas.envelope import Event
from schemas.events import QuestionAnswered, QuestionAsked
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.questions import Said, with_said


def asked(facts: CommitmentFacts, event: Event[QuestionAsked]) -> CommitmentFacts:
    """The facts with this question."""
    said = event.data
    question = Said(said.revision, said.number, said.question, said.asked_by, event.time.astimezone(UTC))
    return facts.updated(questions=with_said(facts.questions, question))


def replied(facts: CommitmentFacts, event: Event[QuestionAnswered]) -> CommitmentFacts:
    """The facts with this reply, even if its question has not arrived yet."""
    said = event.data
    reply = Said(said.revision, said.number, said.answer, said.answered_by, event.time.astimezone(UTC))
    return facts.updated(replies=with_said(facts.replies, reply))
