"""The digest reads what a transaction commits, nothing of an aborted one, and shows no lag for their marks."""

import asyncio

from confluent_kafka import Producer

from services.digest.storage.tables import PERSON
from tests.integration.digest.company_events import Message, message
from tests.integration.digest.conftest import DigestUnderTest
from tests.integration.digest.test_lag import shown_lags
from tests.waiting import eventually

LAG_SECONDS = 15


def in_transactions(digest: DigestUnderTest, committed: Message, aborted: Message) -> None:
    """Send two messages. Blocks."""
    limits = {"transactional.id": digest.company.suffix, "partitioner": "murmur2_random"}
    producer = Producer(digest.settings.client_config() | limits)
    producer.init_transactions(30)
    for (topic, key, value), commits in ((aborted, False), (committed, True)):
        producer.begin_transaction()
        producer.produce(topic, value, key)
        producer.flush(30)
        (producer.commit_transaction if commits else producer.abort_transaction)(30)


async def test_only_what_was_committed_is_read(digest: DigestUnderTest) -> None:
    projection, stopping = digest.projection(), asyncio.Event()
    running = asyncio.create_task(projection.run(stopping))
    company = digest.company
    kept, dropped = company.person("kept", 1), company.person("dropped", 1)
    await asyncio.to_thread(in_transactions, digest, message(kept), message(dropped))

    await eventually(lambda: is_there(digest, kept.person_id))
    await eventually(
        lambda: bool(shown_lags("directory.person")) and not any(shown_lags("directory.person")), LAG_SECONDS
    )
    assert await digest.row(PERSON, dropped.person_id) is None
    stopping.set()
    await running


async def is_there(digest: DigestUnderTest, person_id: str) -> bool:
    return await digest.row(PERSON, person_id) is not None
