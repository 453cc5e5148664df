import pytest

from schemas.topics import BY_NAME
from services.commands.acls import ROLES
from services.kafka_access.roles import DIRECTORY, OPERATOR, PROJECT_TOOL, STATUS_READER, Role, roles
from services.pipeline.kafka_rights import Operation, Resource, Right, group_of

BY_ROLE = {role.name: role for role in roles()}
SERVICES = ("approval", "exporter", "notifier", "digest")


def names(role: Role, operation: Operation, resource: Resource = Resource.TOPIC) -> set[str]:
    return {right.name for right in role.rights if (right.operation, right.resource) == (operation, resource)}


def writers(topic: str) -> list[str]:
    return [name for name, role in BY_ROLE.items() if topic in names(role, Operation.WRITE)]


@pytest.mark.parametrize("topic", BY_NAME)
def test_exactly_one_role_writes_a_topic(topic: str) -> None:
    assert len(writers(topic)) == 1


@pytest.mark.parametrize("topic", BY_NAME)
def test_somebody_reads_every_topic(topic: str) -> None:
    assert [name for name, role in BY_ROLE.items() if topic in names(role, Operation.READ)]


def test_names_are_full_and_known() -> None:
    rights = [right for role in BY_ROLE.values() for right in role.rights]
    groups = {*map(group_of, SERVICES), PROJECT_TOOL, STATUS_READER}
    known = {Resource.TOPIC: set(BY_NAME), Resource.GROUP: groups}
    assert {right.name for right in rights if right.name not in known[right.resource]} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_joins_its_own_group_only(service: str) -> None:
    assert names(BY_ROLE[service], Operation.READ, Resource.GROUP) == {f"countersign.{service}"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_settings_of_its_topics_and_of_no_other(service: str) -> None:
    role = BY_ROLE[service]
    assert names(role, Operation.DESCRIBE_CONFIGS) == names(role, Operation.READ) | names(role, Operation.WRITE)


def test_only_the_operator_creates_topics_and_changes_their_settings() -> None:
    changing = {Operation.CREATE, Operation.ALTER_CONFIGS}
    assert {name for name, role in BY_ROLE.items() for right in role.rights if right.operation in changing} == {
        OPERATOR
    }


def test_the_operator_neither_reads_nor_writes_events() -> None:
    assert names(BY_ROLE[OPERATOR], Operation.READ) | names(BY_ROLE[OPERATOR], Operation.WRITE) == set()


def test_the_digest_needs_little() -> None:
    group = Right(Resource.GROUP, "countersign.digest", Operation.READ)
    read = ("commitment.status", "digest.preference", "directory.person")
    wanted = {group, *(Right(Resource.TOPIC, topic, Operation.READ) for topic in read)}
    wanted |= {Right(Resource.TOPIC, topic, Operation.DESCRIBE_CONFIGS) for topic in (*read, "digest.ready")}
    assert set(BY_ROLE["digest"].rights) == wanted | {Right(Resource.TOPIC, "digest.ready", Operation.WRITE)}


def test_a_directory_writes_people_and_reads_nothing() -> None:
    assert BY_ROLE[DIRECTORY].rights == (Right(Resource.TOPIC, "directory.person", Operation.WRITE),)


def test_a_system_around_us_chooses_its_group() -> None:
    [reader] = [role for role in roles({STATUS_READER: "bi"}) if role.name == STATUS_READER]
    assert names(reader, Operation.READ, Resource.GROUP) == {"bi"}


def test_the_command_knows_every_role() -> None:
    assert tuple(BY_ROLE) == ROLES
