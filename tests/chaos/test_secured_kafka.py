"""The story on a Kafka with security on: each service has a user of its own, its own rights, and needs no other."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from sandbox.commitments.topic_follower import TOPICS as FOLLOWED
from sandbox.story import Timeline, play
from sandbox.world import UPSTREAM, WorldOptions, running_world
from services.kafka_access.roles import DIRECTORY, OPERATOR, PROJECT_TOOL, roles
from services.pipeline.broker.acls import AccessControl
from services.pipeline.kafka_rights import AclEntry, Operation, Resource, Right, entry_of
from services.pipeline.names import SERVICES
from tests.secured_kafka import ADMIN, PLAIN, SCRAM, SecuredKafka, principal_of

CERTIFICATE = "certificate"
READER_GROUP = "countersign.reader"


@dataclass(frozen=True)
class Size:
    ways: tuple[tuple[str, str], ...]


SHORT = Size(ways=((SCRAM, "consumer"),))
LONG = Size(ways=((SCRAM, "consumer"), (SCRAM, "classic"), (PLAIN, "consumer"), (CERTIFICATE, "consumer")))


class KafkaOfAWorld(SecuredKafka):
    """A broker on which every service signs in in one way, with nothing but its own rights."""

    def __init__(self, way: str, group_protocol: str) -> None:
        super().__init__([*SERVICES, OPERATOR, UPSTREAM])
        self._way = way
        self._group_protocol = group_protocol

    def access(self, user: str, mechanism: str = "", host: str = "127.0.0.1") -> dict[str, str]:
        """The variables with which `user` signs in as this world wants it; the others keep their passwords."""
        group_protocol = {"KAFKA_GROUP_PROTOCOL": self._group_protocol}
        if self._way == CERTIFICATE and user in SERVICES:
            return self.access_by_certificate(user) | group_protocol
        of_world = SCRAM if self._way == CERTIFICATE else self._way
        return super().access(user, mechanism or of_world, host) | group_protocol

    def start(self) -> None:
        """Start, and allow each what it needs."""
        super().start()
        AccessControl(self.settings(ADMIN)).add(entries())


def entries() -> list[AclEntry]:
    """The rights of our services and an operator, and of the sandbox, which is a project tool and a directory in one.

    Unlike a real one, the sandbox keeps nothing, so it reads again what it has published.
    """
    by_name: Mapping[str, tuple[Right, ...]] = {role.name: role.rights for role in roles({PROJECT_TOOL: READER_GROUP})}
    again = tuple(Right(Resource.TOPIC, topic, Operation.READ) for topic in FOLLOWED)
    of_upstream = {*by_name[PROJECT_TOOL], *by_name[DIRECTORY], *again}
    ours = [entry_of(principal_of(user), right) for user in (*SERVICES, OPERATOR) for right in by_name[user]]
    return [*ours, *(entry_of(principal_of(UPSTREAM), right) for right in of_upstream)]


async def test_the_story_goes_through_and_nothing_is_refused(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """Sent, accepted, exported; rejected, mailed, re-sent; the daily summary; and the authorizer is silent."""
    for way, group_protocol in size.ways:
        began = monotonic()
        kafka = KafkaOfAWorld(way, group_protocol)
        options = WorldOptions(kafka=kafka, is_durable=False)
        async with running_world(tmp_path / f"{way}-{group_protocol}", options) as world:
            timeline = Timeline(lambda _: None)
            await play(world, timeline)
            refused = await asyncio.to_thread(kafka.refusals)
            logs = "\n".join(service.log.read_text() for service in world.services.values())
        report(
            f"secured Kafka, {way}, group.protocol={group_protocol}: {timeline.steps} steps of the story, "
            f"{len(entries())} entries, {len(refused)} refusals, {monotonic() - began:.0f} s"
        )

        assert refused == []
        assert [user for user, password in kafka.passwords.items() if password in logs] == []
        assert "topics.settings_hidden" not in logs


@pytest.mark.parametrize("user", SERVICES)
def test_a_world_gives_each_service_its_own_user(user: str) -> None:
    kafka = KafkaOfAWorld(SCRAM, "consumer")
    try:
        assert kafka.access(user)["KAFKA_SASL_USERNAME"] == user
    finally:
        kafka.close()
