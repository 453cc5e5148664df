"""The rows that approval writes beside a commitment's state and never changes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.commitment import Person


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A snapshot as it was sent, word for word. Key: commitment, revision, content hash; a repeat is dropped."""

    company_id: str
    commitment_id: str
    revision: int
    content_hash: str
    text: str
    sent_by: Person
    note: str | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened to a commitment, as people read it. Key: event id; a repeat is dropped.

    `kind` is the topic of the event, `text` a sentence that says it in words, without the commitment's number.
    """

    event_id: UUID
    company_id: str
    commitment_id: str
    at: datetime
    kind: str
    actor: Person | None
    revision: int | None
    round: int | None
    text: str


Row = SubmissionRow | HistoryEntry
