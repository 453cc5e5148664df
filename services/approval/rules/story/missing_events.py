"""An event that one service has told and another one does not know: where it is on its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.story import OutboxState, Reading, Traffic
from services.approval.rules.story.story import OPERATOR, Parts, Trouble, named
from services.pipeline.counting import counted

GRACE = timedelta(seconds=10)
"""For so long, an event may simply be on its way."""


@dataclass(frozen=True, slots=True)
class Journey:
    """An event on `topic` from a service to another one, which does not know it; `what` it is, in words."""

    topic: str
    what: str
    sender: str
    reader: str
    since: datetime


def not_arrived(journey: Journey, parts: Parts, now: datetime, *, holds_up: bool = False) -> Iterator[Trouble]:
    """Yield where the event is; nothing while it may be under way, or if it is told as parked or set aside.

    Nothing either of a reader that cannot read its rows, which is told as well: it may have received the event.
    """
    traffic = {service: part.traffic for service, part in parts.by_service}
    sender, reader = traffic.get(journey.sender, Traffic()), traffic.get(journey.reader, Traffic())
    is_read_in_part = any(service == journey.reader and part.unreadable for service, part in parts.by_service)
    if now - journey.since <= GRACE or is_read_in_part or _is_told(journey, sender, reader):
        return
    details, what, command = _whereabouts(journey, sender, reader.of(journey.topic))
    yield Trouble(
        text=f"{named(journey.reader)} has not received {journey.what} from {journey.sender}.",
        who=OPERATOR,
        what=what,
        since=journey.since,
        holds_up=holds_up,
        details=details,
        command=command,
    )


def _is_told(journey: Journey, sender: Traffic, reader: Traffic) -> bool:
    """Whether a parked event or a dead letter explains it, which is a trouble of its own."""
    is_parked = any(each.topic == journey.topic and each.state is not OutboxState.WAITING for each in sender.unsent)
    is_set_aside = any(each.place.topic == journey.topic and each.settled_as is None for each in reader.dead_letters)
    return is_parked or is_set_aside


def _whereabouts(journey: Journey, sender: Traffic, reading: Reading | None) -> tuple[str, str, str]:
    """Where it is, what to do, and the command."""
    topic = journey.topic
    waiting = next((each for each in sender.unsent if each.topic == topic), None)
    if waiting:
        details = f"{topic} waits in the outbox of {journey.sender} as row {waiting.id}"
        return details, f"See that {journey.sender} runs and reaches Kafka.", "countersign doctor"
    reads = f"See that {_inside(journey.reader)} runs and reads."
    lag = f"countersign lag {journey.reader}"
    if reading is None or reading.unread is None:
        return f"Kafka did not say how far {topic} is read", reads, lag
    where = f"{topic}/{reading.partition}: read up to {reading.next_offset or 0}, ends at {reading.end_offset}"
    if reading.unread:
        return f"{where}, so {counted(reading.unread, 'message')} unread", reads, lag
    what = "Find out what was skipped: see “Restoring a database” and “Offset out of range” in docs/operations.md."
    return (
        f"{where}: nothing is unread, parked or set aside, so it was skipped or lost",
        what,
        "countersign dead-letters list",
    )


def _inside(service: str) -> str:
    """What people call a service, inside a sentence."""
    return service if service == "approval" else f"the {service}"
