"""What approval tells of one commitment: the part of the story from which the others are asked for."""

from pydantic import AwareDatetime, BaseModel

from schemas.story import Part, Passage, Place, Told, Traffic
from services.approval.rules.explanation import Candidate, Explanation


class ToldLine(Told):
    """A line of the history; `kind` is the topic of its event, `place` where that was read, if it was read."""

    at: AwareDatetime
    kind: str
    revision: int | None
    round: int | None
    text: Passage
    place: Place | None = None


class HeldAnswer(Told):
    """What `by` has sent as accepted, and can undo until `due_at`."""

    by: str
    revision: int
    due_at: AwareDatetime


class ApprovalPart(Part):
    """What approval knows; `lines` are the last ones of the history, oldest first."""

    explanation: Explanation
    lines: tuple[ToldLine, ...] = ()
    held: HeldAnswer | None = None


class ApprovalAnswer(BaseModel):
    """The part of the only commitment with an id or a number, else all that it can be: none, or several.

    If it is none, `traffic` has what was set aside with what was asked for as its key. `unreadable` says which rows
    cannot be read of what it can be; `commitment_id` is its id if it can only be one, whose rows make no part.
    """

    part: ApprovalPart | None = None
    candidates: tuple[Candidate, ...] = ()
    traffic: Traffic = Traffic()
    unreadable: tuple[Passage, ...] = ()
    commitment_id: str | None = None
