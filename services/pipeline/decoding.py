"""Decodes batches of messages: events, dead letters, and what is said about these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from schemas.envelope import Event, decode, safe_reading
from schemas.events import EventData
from services.pipeline.clock import utc_now
from services.pipeline.dead_letters import KEY_MISMATCH, DeadLetter, dead_letter_of
from services.pipeline.records import Record

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch after decoding: events with the records that they came from, and what could not be read."""

    events: Sequence[tuple[Record, Event[EventData]]]
    unreadable: Sequence[DeadLetter]
    replies: Sequence[Event[EventData]] = ()
    """What is published about `unreadable`, so that their senders hear of it."""


Reply = Callable[[Record, str, str, datetime], Event[EventData] | None]
"""Makes the event that tells the sender of a message for which reason it was set aside, and why, in words."""


def decode_batch(
    records: Sequence[Record], reply: Reply = lambda *_: None, *, is_redrive: bool = False
) -> DecodedBatch:
    """Decode every record; one that is not a valid event, or cannot be decoded at all, becomes a dead letter.

    The safe reading of a dead letter is an event besides, and its sender gets a reply; neither if it is read again:
    the sender was told, and its key may be known better by now.
    """
    events: list[tuple[Record, Event[EventData]]] = []
    unreadable: list[DeadLetter] = []
    replies: list[Event[EventData] | None] = []
    for record in records:
        try:
            topic, place = record.partition.topic, (record.partition.number, record.offset)
            event = decode(topic, record.key, record.value, record.headers, record.at, place)
        except Exception as error:  # noqa: BLE001 - no message may end the consumer, which would read it again
            letter = dead_letter_of(record, error)
            safe = None if is_redrive else _safe_reading(letter)
            unreadable.append(replace(letter, is_read_safely=safe is not None))
            if safe is not None:
                events.append((record, safe))
            if not is_redrive:
                replies.append(replied(reply, record, letter))
        else:
            events.append((record, event))
    return DecodedBatch(events, unreadable, [each for each in replies if each is not None])


def replied(reply: Reply, record: Record, letter: DeadLetter) -> Event[EventData] | None:
    """Return the reply about `letter`, which was made of `record`; None if there is none, or it cannot be made."""
    try:
        return reply(record, letter.reason, letter.cause, utc_now())
    except Exception as error:  # noqa: BLE001 - it reads what nobody else could read
        log.error("consumer.reply_failed", position=record.position, cause=type(error).__name__)  # noqa: TRY400 - no trace of content
        return None


def _safe_reading(letter: DeadLetter) -> Event[EventData] | None:
    """What to go by instead; nothing where the key itself is in doubt, since it would name the wrong person."""
    record = letter.record
    return None if letter.reason == KEY_MISMATCH else safe_reading(record.partition.topic, record.key, record.at)
