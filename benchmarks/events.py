"""The load: realistic `commitment.sent` events of about 1.9 kB, each of a different commitment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from uuid import uuid4

from confluent_kafka import Producer

from schemas.envelope import Event, encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import COMPANY, CONCRETE_1
from schemas.examples.example import submitted

TOPIC = CommitmentSent.topic
COMPANIES = 50
_DIGITS = 7


def producer(bootstrap_servers: str, *, linger_ms: int) -> Producer:
    """Return a producer that spreads keys over partitions as upstream's Java client does."""
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 3,
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 2_000_000,
        }
    )


@dataclass(frozen=True)
class Run:
    """The events of one measurement, numbered from 0; their commitments' ids begin with `name`."""

    name: str

    @classmethod
    def new(cls) -> "Run":
        """Return a run whose commitments nobody has seen."""
        return cls(f"run-{uuid4().hex[:8]}")

    @property
    def first_id(self) -> str:
        """The lowest id in the order of the database."""
        return f"{self.name}-"

    @property
    def end_id(self) -> str:
        """The end of the ids: "." follows "-"."""
        return f"{self.name}."

    def commitment_id(self, number: int) -> str:
        """Return the id of the commitment that event `number` is about."""
        return f"{self.name}-{number:0{_DIGITS}}"

    def number_of(self, key: bytes | None) -> int | None:
        """Return the number of the event with `key`; None if it belongs to another run."""
        name, _, number = (key or b"").decode().rpartition("-")
        return int(number) if name == self.name else None

    def event(self, number: int) -> tuple[bytes, bytes]:
        """Return the key and the value of event `number`."""
        key = self.commitment_id(number).encode()
        value = (
            self._sample.replace(self._sample_id, key)
            .replace(self._sample_event_id, str(uuid4()).encode())
            .replace(b"SC-014", b"SC-%07d" % number)
            .replace(COMPANY.encode(), b"company-%03d" % (number % COMPANIES))
        )
        return key, value

    def events(self, count: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield the first `count` events."""
        return (self.event(number) for number in range(count))

    @cached_property
    def _sample(self) -> bytes:
        return encode(self._sample_event)

    @property
    def _sample_id(self) -> bytes:
        return CONCRETE_1.id.encode()

    @cached_property
    def _sample_event_id(self) -> bytes:
        return str(self._sample_event.id).encode()

    @cached_property
    def _sample_event(self) -> Event[CommitmentSent]:
        sent = CommitmentSent(**submitted(CONCRETE_1, 1), note="As agreed on site.")
        return new_event(sent, source="benchmarks", time=datetime.now(UTC))


def fill(bootstrap_servers: str, run: Run, count: int) -> None:
    """Put the first `count` events of `run` on the topic, and return when all are stored."""
    sender = producer(bootstrap_servers, linger_ms=20)
    for key, value in run.events(count):
        sender.produce(TOPIC, value, key)
        sender.poll(0)
    if sender.flush(120):
        raise RuntimeError("Kafka did not take the whole backlog")
