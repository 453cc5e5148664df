"""A running service knows how far it is behind what was published."""

from datetime import datetime, timedelta

import pytest
from confluent_kafka import Producer

from services.pipeline.broker import Brokers
from services.pipeline.clock import utc_now
from services.pipeline.lateness import Lateness
from tests.integration.pipeline.counting_service import CountingService, publish, retrieve_event
from tests.waiting import eventually

TOPICS = ("commitment.retrieved",)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_service_that_stands_still_is_behind_and_one_that_has_read_is_not(
    service: CountingService, unique_suffix: str
) -> None:
    brokers = Brokers(service.settings)
    lateness = Lateness(service.database, service.tables.kernel)
    await lateness.look(await brokers.spans(TOPICS), utc_now() - timedelta(minutes=12))
    await publish(service.settings, [(unique_suffix, retrieve_event(unique_suffix, 1))])
    await lateness.look(await brokers.spans(TOPICS), utc_now())
    assert lateness.behind is not None
    assert timedelta(minutes=12) <= lateness.behind < timedelta(minutes=13)

    async with service.running(lateness=lateness) as runtime:

        async def is_in_time() -> bool:
            await runtime._tell_highs()
            return lateness.behind is None

        await eventually(is_in_time)


@pytest.mark.usefixtures("begins_at_the_end")
async def test_a_backlog_is_as_late_as_the_message_that_was_settled_last(
    service: CountingService, unique_suffix: str
) -> None:
    lateness = Lateness(service.database, service.tables.kernel)
    publish_at(service, unique_suffix, utc_now() - HALF_AN_HOUR)
    await lateness.look(await Brokers(service.settings).spans(TOPICS), utc_now())

    async with service.running(lateness=lateness):

        async def is_told() -> bool:
            return lateness.behind is not None and HALF_AN_HOUR <= lateness.behind < 2 * HALF_AN_HOUR

        await eventually(is_told)


def publish_at(service: CountingService, key: str, at: datetime) -> None:
    """Put a message on commitment.retrieved that was sent at that time."""
    producer = Producer(service.settings.client_config() | {"partitioner": "murmur2_random"})
    producer.produce("commitment.retrieved", retrieve_event(key, 1), key, timestamp=int(at.timestamp() * 1000))
    assert producer.flush(30) == 0
