"""The servers that all contenders share: one Kafka, and one durable PostgreSQL with a new database for each run."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import Self
from uuid import uuid4

import psycopg
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from pydantic import SecretStr
from sqlalchemy import make_url

from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.servers.local_server import Report
from sandbox.servers.postgres import drop_database
from schemas.events import CommitmentStatus
from schemas.topics import PARTITIONS, TOPICS
from services.approval.storage.migrations import MIGRATIONS
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.pipeline.broker import create_topics
from services.pipeline.migrations import migrate
from services.pipeline.settings import KafkaSettings

_ANSWER_SECONDS = 30
_POLL_SECONDS = 0.1


class Servers:
    """Kafka and PostgreSQL, used in a `with` block; both end with it."""

    def __init__(self, report: Report) -> None:
        self._stack = ExitStack()
        self._kafka = LocalKafka(report=report)
        self._postgres = LocalPostgres(report=report)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self._kafka)
            starting.enter_context(self._postgres)
            create_topics(KafkaSettings(kafka_bootstrap_servers=self.bootstrap_servers), TOPICS)
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
            self._wait_for_leaders()
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address."""
        return self._kafka.bootstrap_servers

    @property
    def kafka_pid(self) -> int:
        """The broker's process."""
        return _running(self._kafka.pid)

    @property
    def postgres_pid(self) -> int:
        """The process whose children are PostgreSQL's sessions and writers."""
        return _running(self._postgres.pid)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the address of a new database, which is dropped afterwards."""
        name = f"bench_{uuid4().hex[:8]}"
        url = make_url(self._postgres.create_database(name)).set(drivername="postgresql")
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            drop_database(self._postgres.url, name)

    def empty_topics(self) -> None:
        """Remove all events from topics that are not compacted, so that a new group begins with what comes next."""
        ends = self.ends([topic.name for topic in TOPICS if not topic.is_compacted])
        for future in self._admin.delete_records(ends).values():
            future.result(_ANSWER_SECONDS)

    def publish(self, topic: str, key: bytes, value: bytes) -> None:
        """Put one event on `topic`."""
        sender = Producer({"bootstrap.servers": self.bootstrap_servers, "partitioner": "murmur2_random"})
        sender.produce(topic, value, key)
        if sender.flush(_ANSWER_SECONDS):
            raise RuntimeError("Kafka did not take an event")

    def statuses_told(self) -> int:
        """Return how many status events were ever readable."""
        return sum(end.offset for end in self.ends([CommitmentStatus.topic]))

    def _wait_for_leaders(self) -> None:
        """Return once every partition of the new topics answers."""
        deadline = monotonic() + _ANSWER_SECONDS
        while True:
            try:
                self.ends([topic.name for topic in TOPICS])
            except KafkaException:
                if monotonic() > deadline:
                    raise
                sleep(_POLL_SECONDS)
            else:
                return

    def ends(self, topics: Sequence[str]) -> list[TopicPartition]:
        """Return where the next event of each partition will be."""
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        asked = self._admin.list_offsets({each: OffsetSpec.latest() for each in partitions})
        found = {each: future.result(_ANSWER_SECONDS).offset for each, future in asked.items()}
        return [TopicPartition(each.topic, each.partition, offset) for each, offset in found.items()]


def prepare_for_countersign(database: str) -> None:
    """Create approval's tables."""
    asyncio.run(migrate(SecretStr(database), MIGRATIONS))


def prepare_for_exporter(database: str) -> None:
    """Create the exporter's tables."""
    asyncio.run(migrate(SecretStr(database), EXPORTER))


def prepare_with(statements: str, database: str) -> None:
    """Execute `statements`."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(statements)


def _running(pid: int | None) -> int:
    if pid is None:
        raise RuntimeError("a server has stopped")
    return pid
