"""Connections are lent for calls, and replaced while some are lent: no call loses its connector, none stays open."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.exporter import metrics
from services.exporter.connections import Connection, Connections
from services.exporter.connectors.protocol import ConnectionSettings
from services.exporter.connectors.types import FindAnswer, WriteAnswer, WriteRequest
from services.exporter.reloading import Reloading
from tests.unit.exporter.test_connections import ENVIRONMENT, MAIN, saved
from tests.waiting import eventually


class Closing:
    """A connector that only counts how often it is closed."""

    enforces_reference = False

    def __init__(self) -> None:
        self.closed = 0

    async def find(self, reference: str) -> FindAnswer:
        raise NotImplementedError(reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        raise NotImplementedError(request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        raise NotImplementedError(document_id, request)

    async def close(self) -> None:
        self.closed += 1


class Unclosable(Closing):
    """A connector that cannot be closed."""

    async def close(self) -> None:
        await super().close()
        raise OSError("no")


def connection(connector: Closing, name: str = "main", calls: int = 2) -> Connection:
    settings = ConnectionSettings(name=name, kind="http", title=name, companies=("co-1",), max_in_flight=calls)
    return Connection(settings, connector)


async def test_a_replaced_connector_is_closed_after_its_last_call() -> None:
    old, new = Closing(), Closing()
    connections = Connections({"main": connection(old)})
    async with connections.lent("main") as first:
        async with connections.lent("main") as second:
            await connections.replace({"main": connection(new)})
            assert first is second
            assert first is not None
            assert first.connector is old
            assert old.closed == 0
        assert old.closed == 0
    assert (old.closed, new.closed) == (1, 0)
    async with connections.lent("main") as third:
        assert third is not None
        assert third.connector is new
    await connections.close()
    assert (old.closed, new.closed) == (1, 1)


async def test_a_connector_that_nobody_uses_is_closed_at_once() -> None:
    old = Closing()
    connections = Connections({"main": connection(old)})
    await connections.replace({})
    assert old.closed == 1


async def test_a_call_that_waits_for_a_slot_uses_what_is_configured_when_it_gets_one() -> None:
    old, new = Closing(), Closing()
    connections = Connections({"main": connection(old, calls=1)})
    lent: list[Connection | None] = []

    async def call() -> None:
        async with connections.lent("main") as each:
            lent.append(each)

    async with AsyncExitStack() as first:
        await first.enter_async_context(connections.lent("main"))
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        await connections.replace({"main": connection(new, calls=1)})
        await asyncio.sleep(0)
        assert lent == []  # the call under way counts for the new connection, too
    await waiting
    (each,) = lent
    assert each is not None
    assert each.connector is new


async def test_a_call_that_waits_for_a_removed_connection_gets_none() -> None:
    connections = Connections({"main": connection(Closing(), calls=1)})
    lent: list[Connection | None] = []

    async def call() -> None:
        async with connections.lent("main") as each:
            lent.append(each)

    async with connections.lent("main"):
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        await connections.replace({})
    await waiting
    assert lent == [None]
    async with connections.lent("main") as each:
        assert each is None


async def test_a_new_limit_of_calls_holds_from_the_next_call_on() -> None:
    connections = Connections({"main": connection(Closing(), calls=1)})
    await connections.replace({"main": connection(Closing(), calls=2)})
    assert connections.max_leases == 2
    async with asyncio.timeout(5), connections.lent("main"), connections.lent("main"):
        pass


async def test_a_connector_that_cannot_be_closed_changes_no_outcome() -> None:
    old = Unclosable()
    connections = Connections({"main": connection(old)})
    with capture_logs() as logged:
        async with connections.lent("main"):
            await connections.replace({})
    assert old.closed == 1
    assert [line["event"] for line in logged] == ["connections.close_failed"]


async def test_when_the_service_ends_every_connector_is_closed_also_one_that_is_lent() -> None:
    old, new = Closing(), Closing()
    connections = Connections({"main": connection(old)})
    async with connections.lent("main"):
        await connections.replace({"main": connection(new)})
        await connections.close()
        assert (old.closed, new.closed) == (1, 1)
    assert (old.closed, new.closed) == (1, 1)


def reloads(outcome: str) -> float:
    return metrics.CONNECTIONS_RELOADED.labels(outcome)._value.get()


async def test_a_reload_that_is_asked_for_is_done_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    connections, path = Connections(), saved(tmp_path, MAIN)

    async def tell() -> None:
        told.extend(connections.by_name)

    reloading, stopping = Reloading(connections, path, ENVIRONMENT, tell), asyncio.Event()
    running = asyncio.create_task(reloading.run(stopping))
    reloading.ask()
    await eventually(lambda: told == ["main"])
    saved(tmp_path, MAIN.replace('"main"', '"books"'))
    reloading.ask()
    await eventually(lambda: told == ["main", "books"])
    stopping.set()
    await asyncio.wait_for(running, 60)
    await connections.close()


@pytest.mark.parametrize("text", ["[[", MAIN.replace("ERP_TOKEN", "NO_TOKEN"), MAIN + MAIN])
async def test_a_file_that_cannot_be_used_keeps_what_there_is(tmp_path: Path, text: str) -> None:
    told: list[str] = []
    main = connection(Closing())
    connections = Connections({"main": main})

    async def tell() -> None:
        told.append("told")

    before = reloads("failed")
    with capture_logs() as logged:
        await Reloading(connections, saved(tmp_path, text), ENVIRONMENT, tell).reload()

    assert connections.by_name == {"main": main}
    assert (told, reloads("failed") - before) == ([], 1)
    assert [line["event"] for line in logged] == ["connections.not_reloaded"]
    assert "s3cret" not in str(logged)


async def test_a_reload_that_cannot_be_announced_yet_counts_all_the_same(tmp_path: Path) -> None:
    connections, before = Connections(), reloads("reloaded")

    async def tell() -> None:
        raise OSError("the database is away")

    await Reloading(connections, saved(tmp_path, MAIN), ENVIRONMENT, tell).reload()

    assert list(connections.by_name) == ["main"]
    assert reloads("reloaded") - before == 1
    await connections.close()
