"""A message with a header whose name is no UTF-8, as some clients send them, stops nobody."""

import asyncio
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select

from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode
from schemas.events import DirectoryPerson
from schemas.examples import EXAMPLES
from schemas.topics import TOPICS
from services.digest.storage.tables import PERSON
from services.pipeline.database import Database
from services.pipeline.names import SERVICES
from tests.packed_messages import NONE, publish_record
from tests.waiting import eventually

FOREIGN = (b"Gr\xf6\xdfe", b"x")
"""In Latin-1."""
READ_WITHIN_SECONDS = 60
MANY = 30
"""More often than what Python runs before it takes a call for a frequent one."""
LATER = "read-after-the-foreign-header"


async def test_every_service_reads_on_behind_a_header_that_is_no_utf_8(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world:
        for event in {each.event.data.topic: each.event for each in EXAMPLES}.values():
            for _ in range(MANY):
                await publish(world, event.data.topic, event.subject, encode(event), [FOREIGN])
        person = next(each.event for each in EXAMPLES if isinstance(each.event.data, DirectoryPerson))
        value = encode(person).replace(person.subject.encode(), LATER.encode())
        await publish(world, DirectoryPerson.topic, LATER, value, [])

        await eventually(lambda: knows_person(world, LATER), READ_WITHIN_SECONDS)
        assert [name for name in SERVICES if world.services[name].has_ended] == []
        assert [name for name in SERVICES if not world.services[name].is_ready()] == []
        assert "projection.renewed" not in world.services["digest"].latest_log


async def publish(world: World, topic: str, key: str, value: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Publish to the first partition, so that each message is behind the ones before it."""
    address = world.kafka.bootstrap_servers
    assert await asyncio.to_thread(publish_record, address, topic, 0, key.encode(), value, headers) == NONE


async def knows_person(world: World, person_id: str) -> bool:
    """Whether the digest has read of the person."""
    database = Database(SecretStr(world.environment["DATABASE_URL"]), application_name="tests")
    try:
        async with database.begin() as db:
            return (await db.execute(select(PERSON.c.id).where(PERSON.c.id == person_id))).first() is not None
    finally:
        await database.close()


def test_there_is_an_example_of_every_topic() -> None:
    assert {each.event.data.topic for each in EXAMPLES} == {topic.name for topic in TOPICS}
