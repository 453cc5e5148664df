"""Events and Kafka records for the pipeline's unit tests."""

from datetime import UTC, datetime

from schemas.commitment import Person
from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentRetrieved
from schemas.message import Headers
from services.pipeline.records import Partition, Record

NOW = datetime(2026, 11, 22, 15, 15, tzinfo=UTC)
SAM = Person(id="p-sam", name="Sam Lee", email="sam@builder.example")
TOPIC = "commitment.retrieved"


def retrieved(key: str = "c-1", revision: int = 1, company_id: str = "company") -> Event[CommitmentRetrieved]:
    data = CommitmentRetrieved(
        company_id=company_id, project_id="project", commitment_id=key, revision=revision, retrieved_by=SAM
    )
    return new_event(data, source="test", time=NOW)


def record(
    offset: int = 0,
    *,
    partition: int = 0,
    key: bytes | None = b"c-1",
    value: bytes | None = None,
    headers: Headers = (),
) -> Record:
    """A message on `commitment.retrieved`; a valid event unless `value` is given."""
    content = encode(retrieved((key or b"c-1").decode(errors="replace"))) if value is None else value
    return Record(Partition(TOPIC, partition), offset, key, content, headers, NOW)
