"""Insert-only rows that are saved with a commitment's facts."""

from datetime import datetime
from uuid import UUID

from schemas.commitment import Person
from schemas.values import value


@value
class SubmissionRow:
    """A snapshot as it was sent, verbatim. Key: commitment, revision, content hash; a repeat is dropped."""

    company_id: str
    commitment_id: str
    revision: int
    content_hash: str
    text: str
    sent_by: Person
    note: str | None
    sent_at: datetime
    traceparent: str | None = None


@value
class Chained:
    """The place of a decision in its commitment's chain; `form` is the text that `hash` protects."""

    position: int
    hash: str
    form: str


@value
class HistoryEntry:
    """Something that happened to a commitment, in words. Key: event id; a repeat is dropped.

    `kind` is the event's topic; `text` is a sentence without the commitment's number. `place` is the partition and the
    offset of the event, None for a decision that was made here.
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
    chained: Chained | None = None
    place: tuple[int, int] | None = None


StoredRow = SubmissionRow | HistoryEntry
