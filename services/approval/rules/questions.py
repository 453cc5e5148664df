"""Questions of approvers to the sender of a revision, and the replies."""

from collections.abc import Sequence
from datetime import datetime

from schemas.commitment import Person
from schemas.values import value
from services.approval.rules.facts import Precedence, later


@value
class Said:
    """A question about a revision, or what its sender replied to the question with this number."""

    revision: int
    number: int
    text: str
    by: Person
    at: datetime

    @property
    def precedence(self) -> Precedence:
        """Identifies the question."""
        return (self.revision, self.number)


@value
class AskedQuestion:
    """A question, and its reply once there is one."""

    question: Said
    reply: Said | None


def with_said(known: tuple[Said, ...], arrived: Said) -> tuple[Said, ...]:
    """`known` and `arrived`, by number; only those about the highest revision are kept, whatever the order."""
    said = {each.precedence: each for each in known}
    said[arrived.precedence] = later(said.get(arrived.precedence), arrived)
    newest = max(each.revision for each in said.values())
    return tuple(said[precedence] for precedence in sorted(said) if said[precedence].revision == newest)


def question_tag(asked: Sequence[AskedQuestion], revision: int, note: str | None) -> str:
    """Whether the sender of `revision`, which waits, was asked, and has answered: also by the `note` sent with it."""
    if not asked or asked[0].question.revision > revision:
        return ""
    if asked[0].question.revision < revision:
        return "answered" if note else ""
    return "answered" if all(each.reply for each in asked) else "asked"


def with_replies(questions: Sequence[Said], replies: Sequence[Said]) -> tuple[AskedQuestion, ...]:
    """Each of `questions` with its reply."""
    by_question = {reply.precedence: reply for reply in replies}
    return tuple(AskedQuestion(each, by_question.get(each.precedence)) for each in questions)
