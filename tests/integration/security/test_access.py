"""Kafka's own authorizer allows each role exactly what the table says, and nothing else."""

from collections.abc import Callable

import pytest

from schemas.topics import BY_NAME
from services.kafka_access.roles import OPERATOR, PROJECT_TOOL, STATUS_READER, Role, roles
from services.pipeline.kafka_rights import Operation, Resource, group_of
from tests.integration.security.attempts import Attempts
from tests.secured_kafka import SecuredKafka, principal_of

TOPICS = sorted(BY_NAME)
ROLES = {role.name: role for role in roles()}
GROUPS = [*map(group_of, ("approval", "exporter", "notifier", "digest")), PROJECT_TOOL, STATUS_READER]

Attempt = Callable[[Attempts], set[str]]
ON_TOPICS: dict[str, tuple[Attempt, tuple[Operation, ...]]] = {
    "see": (lambda user: user.see(TOPICS), (Operation.READ, Operation.WRITE, Operation.DESCRIBE)),
    "read": (lambda user: user.read(TOPICS), (Operation.READ,)),
    "write": (lambda user: user.write(TOPICS), (Operation.WRITE,)),
    "create": (lambda user: user.create(TOPICS), (Operation.CREATE,)),
    "read settings": (
        lambda user: user.read_settings(TOPICS),
        (Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS),
    ),
    "change settings": (lambda user: user.change_settings(TOPICS), (Operation.ALTER_CONFIGS,)),
    "add partitions": (lambda user: user.add_partitions(TOPICS), ()),
    "delete messages": (lambda user: user.delete_messages(TOPICS), ()),
    "delete": (lambda user: user.delete(TOPICS), ()),
}


def names(role: Role, resource: Resource, *operations: Operation) -> set[str]:
    return {right.name for right in role.rights if right.resource is resource and right.operation in operations}


@pytest.mark.parametrize("attempt", ON_TOPICS)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_with_topics_what_the_table_says(secured: SecuredKafka, role: str, attempt: str) -> None:
    attempted, operations = ON_TOPICS[attempt]
    assert attempted(Attempts(secured.settings(role))) == names(ROLES[role], Resource.TOPIC, *operations)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_moves_offsets_of_its_own_group_only(secured: SecuredKafka, role: str) -> None:
    own = names(ROLES[role], Resource.GROUP, Operation.READ)
    assert Attempts(secured.settings(role)).move_offsets(GROUPS) == own


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
@pytest.mark.parametrize("role", ROLES)
def test_a_role_joins_no_group_of_others(secured: SecuredKafka, role: str, protocol: str) -> None:
    others = set(GROUPS) - names(ROLES[role], Resource.GROUP, Operation.READ)
    assert Attempts(secured.settings(role)).join(others, protocol) == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_the_groups_that_the_table_says(secured: SecuredKafka, role: str) -> None:
    seen = names(ROLES[role], Resource.GROUP, Operation.READ, Operation.DESCRIBE)
    assert Attempts(secured.settings(role)).see_groups(GROUPS) == seen


@pytest.mark.parametrize("role", ROLES)
def test_a_role_deletes_no_group(secured: SecuredKafka, role: str) -> None:
    assert Attempts(secured.settings(role)).delete_groups(GROUPS) == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_nothing_to_the_cluster(secured: SecuredKafka, role: str) -> None:
    user = Attempts(secured.settings(role))
    assert user.allow_itself(principal_of(role)) == set()
    assert user.change_brokers() == set()
    assert user.use_transactions(f"{role}-1") == set()


def test_the_attempts_succeed_for_somebody_who_may(secured: SecuredKafka) -> None:
    """Else, the tests above could refuse everything by themselves."""
    administrator = Attempts(secured.settings("admin"))
    for attempt in ("read", "write", "create", "read settings", "change settings", "add partitions", "delete messages"):
        assert ON_TOPICS[attempt][0](administrator) == set(TOPICS), attempt
    assert administrator.move_offsets(["free"]) == {"free"}
    assert administrator.join(["free", "another"], "consumer") == {"free", "another"}
    assert administrator.change_brokers() == {"brokers"}
    assert administrator.use_transactions("x") == {"x"}
    assert administrator.delete_groups(["free"]) == {"free"}
    assert OPERATOR in ROLES
