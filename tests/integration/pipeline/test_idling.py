"""What idles for long is woken at once, by a message to send or by the end of the service."""

import asyncio

import pytest
from fastapi import FastAPI

from schemas.topics import BY_NAME
from services.pipeline import http
from services.pipeline.broker import EventProducer, create_topics, producer
from services.pipeline.settings import KafkaSettings
from tests.integration.pipeline.counting_service import retrieve_event
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

LONG_SECONDS = 60.0


async def test_an_idle_producer_sends_and_ends_at_once(
    kafka: KafkaUnderTest, unique_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "IDLE_SECONDS", LONG_SECONDS)
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, [BY_NAME["commitment.retrieved"]])
    idle = EventProducer(settings, "tests")
    message = ("commitment.retrieved", unique_suffix, retrieve_event(unique_suffix, 1))
    async with asyncio.timeout(LONG_SECONDS / 2):
        for _ in range(3):
            assert await idle.send([message]) == [None]
        await asyncio.to_thread(idle.close)


async def test_an_idle_server_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TICK_SECONDS", LONG_SECONDS)
    server, listening = http.listen(FastAPI(), "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await eventually(lambda: server.started)
    async with asyncio.timeout(LONG_SECONDS / 2):
        server.leave()
        await serving
