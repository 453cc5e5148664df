"""Every right in the table is needed: without it, and with all others, Kafka refuses what it is for."""

from collections.abc import Callable
from random import Random

import pytest

from services.kafka_access.roles import roles
from services.pipeline.broker.acls import AccessControl
from services.pipeline.kafka_rights import Operation, Resource, Right, entry_of
from tests.integration.security.attempts import Attempts
from tests.secured_kafka import ADMIN, SecuredKafka, principal_of
from tests.side_by_side import close_with
from tests.waiting import eventually

FEW = 8
RIGHTS = [(role.name, right) for role in roles() for right in role.rights]

Attempt = Callable[[Attempts, list[str]], set[str]]
FOR: dict[tuple[Resource, Operation], Attempt] = {
    (Resource.TOPIC, Operation.READ): Attempts.read,
    (Resource.TOPIC, Operation.WRITE): Attempts.write,
    (Resource.TOPIC, Operation.CREATE): Attempts.create,
    (Resource.TOPIC, Operation.DESCRIBE): Attempts.see,
    (Resource.TOPIC, Operation.DESCRIBE_CONFIGS): Attempts.read_settings,
    (Resource.TOPIC, Operation.ALTER_CONFIGS): Attempts.change_settings,
    (Resource.GROUP, Operation.READ): Attempts.move_offsets,
    (Resource.GROUP, Operation.DESCRIBE): Attempts.see_groups,
}


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> list[tuple[str, Right]]:
    """All rights with --long, else a few that --fault-seed chooses, one for each kind first."""
    if request.config.getoption("--long"):
        return RIGHTS
    chance = Random(request.config.getoption("--fault-seed"))  # noqa: S311 - nobody is to be kept from guessing
    shuffled = chance.sample(RIGHTS, len(RIGHTS))
    of_kind = {(right.resource, right.operation): (role, right) for role, right in shuffled}
    return list(of_kind.values())[:FEW]


async def test_without_a_right_what_it_is_for_is_refused(
    secured: SecuredKafka, chosen: list[tuple[str, Right]], request: pytest.FixtureRequest
) -> None:
    control = AccessControl(secured.settings(ADMIN))
    users = {role: Attempts(secured.settings(role)) for role, _ in chosen}
    for role, right in chosen:
        may = allowed(users[role], right)
        assert may(), (role, right)
        entry = entry_of(principal_of(role), right)
        control.remove([entry])
        await eventually(lambda may=may: not may())
        control.add([entry])
        await eventually(may)
    close_with(request.config, "rights on Kafka", f"{len(chosen)} of {len(RIGHTS)} taken away one by one: all needed")


def allowed(user: Attempts, right: Right) -> Callable[[], bool]:
    """Return what tells whether `user` may now do what `right` is for."""
    attempt = FOR[right.resource, right.operation]
    return lambda: attempt(user, [right.name]) == {right.name}


def test_there_is_an_attempt_for_every_kind_of_right() -> None:
    assert {(right.resource, right.operation) for _, right in RIGHTS} == set(FOR)
