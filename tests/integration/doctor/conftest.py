"""A Kafka of these tests' own, with topics that are right, and four migrated schemas."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from sandbox.servers import LocalKafka
from sandbox.servers.postgres import create_database, drop_database
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.broker import create_topics
from services.pipeline.migrations import migrate
from services.pipeline.settings import KafkaSettings
from tests.integration.doctor.patient import Patient


@pytest.fixture(scope="session")
def own_kafka() -> Iterator[KafkaSettings]:
    """One broker for all tests of the check-up, which break topics of it and mend them again."""
    with LocalKafka() as broker:
        settings = KafkaSettings(kafka_bootstrap_servers=broker.bootstrap_servers)
        create_topics(settings, TOPICS)
        yield settings


@pytest.fixture(scope="session")
def with_all_schemas(postgres: str) -> Iterator[str]:
    """The name of a database in which all schemas are as this release expects."""
    name = f"doctor_{uuid.uuid4().hex[:12]}"
    url = create_database(postgres, name)
    for history in (APPROVAL, EXPORTER, NOTIFIER, DIGEST):
        asyncio.run(migrate(SecretStr(url), history))
    yield name
    drop_database(postgres, name)


@pytest.fixture
def template(with_all_schemas: str) -> str:
    """Each test has a copy of its own."""
    return with_all_schemas


@pytest.fixture
def patient(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """An environment with a database and nothing else."""
    return Patient(monkeypatch, DATABASE_URL=database_url)


@pytest.fixture
def with_kafka(patient: Patient, own_kafka: KafkaSettings) -> Patient:
    patient.set(KAFKA_BOOTSTRAP_SERVERS=own_kafka.kafka_bootstrap_servers)
    return patient
