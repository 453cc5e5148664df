"""Joins what the services tell into one story; the same for operators, on the desk and in the API."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from schemas.fields import Owner
from services.approval.rules.next_steps import ACTORS
from services.approval.rules.story.story import MissingPart, Parts, Story, Trouble, named
from services.approval.rules.story.timeline import timeline, upcoming
from services.approval.rules.story.troubles import troubles

_UNKNOWN = "Not known, since approval's part is missing"


def join(commitment_id: str, parts: Parts, missing: Sequence[MissingPart], now: datetime) -> Story:
    """The story that `parts` make; who acts is whoever has to end what holds the commitment up, if anything does."""
    found = troubles(parts, now)
    who, step = _next(parts, next((each for each in found if each.holds_up), None))
    return Story(
        commitment_id=commitment_id,
        as_of=now,
        who=who,
        step=step,
        troubles=found,
        upcoming=upcoming(parts),
        timeline=timeline(parts),
        missing=(*missing, *_cut(parts)),
    )


def for_people(story: Story) -> Story:
    """`story` as the desk and the API tell it: without what only operators can use, such as offsets and commands."""
    return story.model_copy(
        update={
            "troubles": tuple(each.model_copy(update={"details": None, "command": None}) for each in story.troubles),
            "timeline": tuple(each.model_copy(update={"place": None}) for each in story.timeline),
            "missing": tuple(each.model_copy(update={"why": None}) for each in story.missing),
        }
    )


def _cut(parts: Parts) -> Iterator[MissingPart]:
    """Say of which service older entries may be missing: a story that begins in the middle must not look whole."""
    for service, part in parts.by_service:
        if part.may_be_cut:
            yield MissingPart(service=service, text=f"{named(service)} tells only the last of what it knows.")


def _next(parts: Parts, held_up_by: Trouble | None) -> tuple[str, str]:
    if held_up_by is not None:
        return held_up_by.who, held_up_by.what
    if parts.approval is None:
        return _UNKNOWN, ""
    if held := parts.approval.held:
        step = f"Nothing to do: {held.by} has accepted it, and it is exported unless that is undone."
        return ACTORS[Owner.SYSTEM], step
    return parts.approval.explanation.acts_next, parts.approval.explanation.next_step
