"""What waits in a Kafka client is not delivered any more once another relay, or another client, may have sent it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.servers import LocalKafka
from schemas.envelope import encode
from services.pipeline.broker import EventProducer
from services.pipeline.broker.producer import ALONE_TIMEOUT_SECONDS, DELIVERY_TIMEOUT_SECONDS
from services.pipeline.errors import DeliveryError
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.topic_events import events_on, export_succeeded
from tests.waiting import eventually


@pytest.fixture
async def broker(local_kafka: Callable[[], LocalKafka]) -> LocalKafka:
    return await asyncio.to_thread(local_kafka)


@pytest.fixture
async def outbox(broker: LocalKafka, database_url: str, unique_suffix: str) -> AsyncIterator[OutboxUnderTest]:
    made = OutboxUnderTest(broker.bootstrap_servers, database_url, f"outbox_{unique_suffix}")
    await made.prepare()
    yield made
    await made.database.close()


@pytest.fixture
async def relay_process(outbox: OutboxUnderTest, database_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A relay in a process of its own, which names the key of every message that it gives to the client."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.pipeline.outbox_under_test"),
        *(outbox.kafka.kafka_bootstrap_servers, database_url, outbox.name),
        stdout=PIPE,
    )
    yield process
    process.kill()
    await process.wait()


async def test_a_process_that_stood_still_beyond_its_lease_delivers_nothing_late(
    outbox: OutboxUnderTest, broker: LocalKafka, relay_process: asyncio.subprocess.Process, unique_suffix: str
) -> None:
    """It is stopped with a message that waits for Kafka, and continues when another relay has sent all of them."""
    assert relay_process.stdout is not None
    await eventually(lambda: is_held(outbox))
    await asyncio.to_thread(broker.kill)
    await outbox.add([export_succeeded(unique_suffix, revision) for revision in (1, 2, 3)])
    await relay_process.stdout.readline()
    os.kill(relay_process.pid, signal.SIGSTOP)
    await asyncio.to_thread(broker.start)
    async with outbox.relaying("successor"):
        await eventually(outbox.is_empty)

    await outbox.add([export_succeeded(unique_suffix, 4)])
    os.kill(relay_process.pid, signal.SIGCONT)
    await eventually(outbox.is_empty)
    assert await revisions(outbox, unique_suffix) == [1, 2, 3, 4]


async def test_a_client_that_is_renewed_gives_up_at_once_what_it_has_not_delivered(
    outbox: OutboxUnderTest, broker: LocalKafka, unique_suffix: str
) -> None:
    """As after an error from which librdkafka does not recover, while two messages wait for Kafka."""

    def message(revision: int) -> tuple[str, str, bytes]:
        event = export_succeeded(unique_suffix, revision)
        return event.data.topic, event.subject, encode(event)

    producer = EventProducer(outbox.kafka, "tests")
    assert await producer.send([message(1)]) == [None]
    await asyncio.to_thread(broker.kill)
    sending = asyncio.create_task(producer.send([message(2), message(3)]))
    await asyncio.sleep(0)
    producer._fatal_error = "messages were lost"
    errors = await asyncio.wait_for(sending, (DELIVERY_TIMEOUT_SECONDS - ALONE_TIMEOUT_SECONDS) / 2)
    assert [type(error) for error in errors] == [DeliveryError] * 2

    await asyncio.to_thread(broker.start)
    assert await producer.send([message(4)]) == [None]
    await asyncio.to_thread(producer.close)
    assert await revisions(outbox, unique_suffix) == [1, 4]


async def is_held(outbox: OutboxUnderTest) -> bool:
    return await outbox.holder() is not None


async def revisions(outbox: OutboxUnderTest, key: str) -> list[int]:
    """Return the revisions on the topic, in their order."""
    sent = await asyncio.to_thread(events_on, outbox.kafka, "export.succeeded", key)
    return [getattr(event.data, "revision", 0) for event in sent]
