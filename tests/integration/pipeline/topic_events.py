"""Events that the tests publish, and all events on a topic."""

from datetime import UTC, datetime

from schemas.commitment import ErpDocument
from schemas.envelope import Event, decode, new_event
from schemas.events import EventData, ExportSucceeded
from services.pipeline.broker import TopicReader
from services.pipeline.records import Record
from services.pipeline.settings import KafkaSettings


def export_succeeded(key: str, revision: int, time: datetime | None = None, url: str | None = None) -> Event[EventData]:
    data = ExportSucceeded(
        company_id="c",
        project_id="p",
        commitment_id=key,
        revision=revision,
        round=1,
        erp_document=ErpDocument(connection="erp", id=key, url=url),
    )
    return new_event(data, source="test", time=time or datetime.now(UTC))


def events_on(kafka: KafkaSettings, topic: str, prefix: str = "") -> list[Event[EventData]]:
    """Return the events on `topic` whose key begins with `prefix`, each partition in its order. Blocks."""
    records = _records_on(kafka, topic, prefix)
    return [decode(topic, record.key, record.value, record.headers, record.at) for record in records]


def values_on(kafka: KafkaSettings, topic: str, prefix: str) -> list[bytes | None]:
    """Return the values of the messages on `topic` whose key begins with `prefix`. Blocks."""
    return [record.value for record in _records_on(kafka, topic, prefix)]


def _records_on(kafka: KafkaSettings, topic: str, prefix: str) -> list[Record]:
    reader = TopicReader(kafka, [topic])
    ends = reader.ends()
    records: list[Record] = []
    while not reader.has_reached(ends):
        records += reader.read(1)
    reader.close()
    return [record for record in records if (record.key or b"").startswith(prefix.encode())]
