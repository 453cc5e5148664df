"""A real Tryton server for the tests of its connector: one for the run, with books that all of them share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.servers import LocalPostgres
from sandbox.tryton.books import CONNECTOR_USER
from sandbox.tryton.rpc import TrytonRpc
from sandbox.tryton.running import FilledTryton, running_tryton
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.tryton_settings import TrytonSettings

Sql = Callable[..., list[Any]]
Connect = Callable[..., TrytonConnector]


FOLDER = Path(__file__).parent
TIMEOUT_SECONDS = 600
"""The first test on a machine waits until Tryton's database has been built."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def tryton() -> Iterator[FilledTryton]:
    with LocalPostgres(fsync=False) as postgres, running_tryton(postgres) as running:
        yield running


@pytest.fixture
def admin(tryton: FilledTryton) -> Iterator[TrytonRpc]:
    with tryton.as_admin() as rpc:
        yield rpc


@pytest.fixture(scope="session")
def sql(tryton: FilledTryton) -> Sql:
    """Runs a statement on Tryton's own tables and returns its rows, if it has any."""

    async def run(statement: str, values: dict[str, Any]) -> list[Any]:
        engine = create_async_engine(tryton.server.database_url, poolclass=NullPool)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    def in_a_loop_of_its_own(statement: str, **values: Any) -> list[Any]:
        with asyncio.Runner() as runner:
            return runner.run(run(statement, values))

    return in_a_loop_of_its_own


@pytest.fixture
async def connect(tryton: FilledTryton) -> AsyncIterator[Connect]:
    """Makes connectors with the sandbox's books and other settings as given; closes them at the end."""
    made: list[TrytonConnector] = []

    def connected(**settings: Any) -> TrytonConnector:
        password = settings.pop("password", tryton.connector_password)
        url = settings.pop("url", tryton.server.base_url)
        made.append(TrytonConnector(settings_for(url, **settings), password))
        return made[-1]

    yield connected
    for each in made:
        await each.close()


@pytest.fixture
def connector(connect: Connect) -> TrytonConnector:
    return connect()


def settings_for(url: str, **others: Any) -> TrytonSettings:
    return TrytonSettings.model_validate(
        {
            "name": "tryton",
            "kind": "tryton",
            "title": "Tryton",
            "companies": ["co-1"],
            "url": url,
            "database": "tryton",
            "user": CONNECTOR_USER,
            "units": {"m3": "m³"},
            "document_url": "http://tryton.example/purchases/{id}",
            **others,
        }
    )
