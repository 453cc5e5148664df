"""A service knows from its database whether it has read everything that was there when it started."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from services.pipeline.broker import Brokers
from services.pipeline.catching_up import CatchingUp
from services.pipeline.database import Database
from services.pipeline.errors import CatchingUpError
from tests.integration.pipeline.counting_service import CountingService, publish, retrieve_event
from tests.waiting import eventually

TOPICS = ("commitment.retrieved",)


def catching_up(service: CountingService) -> CatchingUp:
    return CatchingUp(service.database, service.tables.kernel, TOPICS)


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_service_has_caught_up_once_it_has_read_what_was_there(
    service: CountingService, unique_suffix: str
) -> None:
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])
    brokers, catching = Brokers(service.settings), catching_up(service)

    await catching.look(brokers)
    assert not catching.is_caught_up
    with pytest.raises(CatchingUpError, match="try again in a moment"):
        catching.require()

    async with service.running():
        await eventually(lambda: has_caught_up(catching, brokers))
    catching.require()


async def test_what_is_published_later_is_not_waited_for(service: CountingService, unique_suffix: str) -> None:
    brokers, catching = Brokers(service.settings), catching_up(service)
    async with service.running():
        await eventually(lambda: has_caught_up(catching, brokers))

    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])
    await catching.look(brokers)

    assert catching.is_caught_up


@pytest.mark.parametrize("restore", ["set back", "empty"])
async def test_a_restore_under_a_running_service_is_noticed(
    service: CountingService, unique_suffix: str, restore: str
) -> None:
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])
    brokers, catching = Brokers(service.settings), catching_up(service)
    async with service.running():
        await eventually(lambda: has_caught_up(catching, brokers))

    offset = service.tables.kernel.consumer_offset
    async with service.database.begin() as db:
        await db.execute(delete(offset) if restore == "empty" else update(offset).values(next_offset=0))
    await catching.look(brokers)
    assert not catching.is_caught_up

    async with service.running():
        await eventually(lambda: has_caught_up(catching, brokers))


async def test_after_a_lost_connection_nothing_is_certain_until_the_offsets_were_looked_at(
    service: CountingService,
) -> None:
    """A restore interrupts all connections, and the next one may lead to another database."""
    brokers, catching = Brokers(service.settings), catching_up(service)
    async with service.running():
        await eventually(lambda: has_caught_up(catching, brokers))

    with pytest.raises(DBAPIError):
        async with service.database.begin() as db:
            await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))
    assert not catching.is_caught_up

    await catching.look(brokers)
    assert catching.is_caught_up


async def test_nothing_is_caught_up_while_database_or_broker_do_not_answer(service: CountingService) -> None:
    nowhere = service.settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    catching = catching_up(service)
    await catching.look(Brokers(nowhere))
    assert not catching.is_caught_up

    database = Database(SecretStr("postgresql://nobody@127.0.0.1:9/nothing"), application_name="tests")
    catching = CatchingUp(database, service.tables.kernel, TOPICS)
    await catching.look(Brokers(service.settings))
    assert not catching.is_caught_up
    await database.close()


async def test_the_workers_are_told_when_the_service_has_caught_up(service: CountingService) -> None:
    told, stopping = asyncio.Event(), asyncio.Event()
    catching = catching_up(service)
    following = asyncio.create_task(catching.run(stopping, Brokers(service.settings), told.set))

    async with service.running():
        await asyncio.wait_for(told.wait(), 30)

    assert catching.is_caught_up
    stopping.set()
    await following


async def has_caught_up(catching: CatchingUp, brokers: Brokers) -> bool:
    await catching.look(brokers)
    return catching.is_caught_up
