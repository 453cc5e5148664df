"""Real servers for the tests: one Kafka and one PostgreSQL for the run, and an empty database for each test."""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from hypothesis import settings
from pydantic import SecretStr
from sqlalchemy import make_url

from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.servers.postgres import create_database, drop_database
from services.pipeline.migrations import Migrations, migrate
from tests.kafka import KafkaUnderTest, kafka_for_tests
from tests.side_by_side import close_with, closing_lines, share

settings.register_profile("countersign", deadline=None)  # on a busy machine an example is slow, not wrong
settings.load_profile("countersign")


def pytest_configure(config: pytest.Config) -> None:
    """Log errors without the values of local variables: printing those of a deeply nested record took half a minute."""
    share(config)
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the tests in tests/chaos; here, because pytest reads options from this file only."""
    parser.addoption("--long", action="store_true", help="run the fault tests at full length, as make chaos does")
    parser.addoption("--fault-seed", type=int, default=1, help="what the fault tests leave to chance (default: 1)")
    parser.addoption("--commitments", type=int, help="how many the export storm sends in its long form")


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[KafkaUnderTest]:
    """One Kafka for the whole run; tests use their own ids and consumer groups on it."""
    with kafka_for_tests() as server:
        close_with(request.config, "servers", f"Kafka: {server.kind}")
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a maintenance database: TEST_DATABASE_URL, or that of a local server for this run."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        return
    with LocalPostgres(fsync=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[Callable[[Migrations], str]]:
    """Each call returns the name of a database with a service's tables; a copy is faster than a migration."""
    names: dict[str, str] = {}

    def migrated_by(migrations: Migrations) -> str:
        if migrations.schema not in names:
            name = f"{migrations.schema}_{uuid.uuid4().hex[:12]}"
            asyncio.run(migrate(SecretStr(create_database(postgres, name)), migrations))
            names[migrations.schema] = name
        return names[migrations.schema]

    yield migrated_by
    for name in names.values():
        drop_database(postgres, name)


@pytest.fixture
def template() -> str:
    """The name of the database that `database_url` is a copy of: an empty one, unless a folder's tests need tables."""
    return "template1"


@pytest.fixture
def database_url(postgres: str, template: str, unique_suffix: str) -> Iterator[str]:
    """The URL of a database for this test only, a copy of `template`."""
    name = f"test_{unique_suffix}"
    yield create_database(postgres, name, template=template)
    drop_database(postgres, name)


@pytest.fixture
def unique_suffix() -> str:
    """Letters and digits unique to this test, to append to ids and consumer groups, since topic names are fixed."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def local_kafka() -> Iterator[Callable[[], LocalKafka]]:
    """Each call starts a broker that only this test uses, and may kill and restart."""
    with ExitStack() as brokers:
        yield lambda: brokers.enter_context(LocalKafka())


@pytest.fixture
def local_postgres() -> Iterator[Callable[[], LocalPostgres]]:
    """Each call starts a durable PostgreSQL that only this test uses, and may kill and restore from backups."""
    with ExitStack() as servers:
        yield lambda: servers.enter_context(LocalPostgres())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print which Kafka the tests ran on, and the figures of the fault runs."""
    for title, lines in closing_lines(config).items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
