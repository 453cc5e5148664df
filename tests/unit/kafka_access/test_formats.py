import shlex
from itertools import product

import pytest
import yaml

from services.kafka_access.formats import Holder, kafka_commands, strimzi_users
from services.kafka_access.roles import roles
from services.pipeline.kafka_rights import AclEntry

HOLDERS = [Holder(role, f"User:countersign-{role.name}") for role in roles()]
ENTRIES = {entry for holder in HOLDERS for entry in holder.entries}


def parsed(command: str) -> set[AclEntry]:
    """The entries that kafka-acls.sh makes of a command: every operation on every topic or group."""
    tool, *words = shlex.split(command.replace('"$KAFKA_BOOTSTRAP_SERVERS"', "kafka:9092"))
    assert tool == "kafka-acls.sh"
    words.remove("--add")
    options = list(zip(words[::2], words[1::2], strict=True))
    by_name = {name: [value for option, value in options if option == name] for name, _ in options}
    [principal], operations = by_name["--allow-principal"], by_name["--operation"]
    [kind] = by_name.keys() & {"--topic", "--group"}
    return {AclEntry(principal, kind[2:], name, operation) for name, operation in product(by_name[kind], operations)}


def test_the_commands_add_exactly_what_the_roles_need() -> None:
    lines = kafka_commands(HOLDERS, None, "admin.properties")
    assert set().union(*(parsed(line) for line in lines if not line.startswith("#"))) == ENTRIES


def test_a_comment_says_whom_commands_are_for() -> None:
    comments = [line for line in kafka_commands(HOLDERS, None, "x") if line.startswith("#")]
    assert comments[0] == "# approval: countersign run approval"
    assert len(comments) == len(HOLDERS)


def test_what_operators_give_is_quoted_for_a_shell() -> None:
    holder = Holder(HOLDERS[-1].role, "User:CN=reader, O=Acme")
    [_, line, _] = kafka_commands([holder], "kafka:9092; ls", "my file")
    words = shlex.split(line)
    assert {"kafka:9092; ls", "my file", "User:CN=reader, O=Acme"} <= set(words)


@pytest.mark.parametrize("authentication", ["scram-sha-512", "tls"])
def test_users_of_strimzi_are_allowed_exactly_what_the_roles_need(authentication: str) -> None:
    users = list(yaml.safe_load_all(strimzi_users(HOLDERS, "main", authentication)))
    allowed = {
        AclEntry(
            f"User:{user['metadata']['name']}",
            rule["resource"]["type"],
            rule["resource"]["name"],
            operation,
            rule["resource"]["patternType"],
            host=rule["host"],
        )
        for user in users
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    }
    assert allowed == ENTRIES
    assert {user["spec"]["authentication"]["type"] for user in users} == {authentication}
    assert {user["metadata"]["labels"]["strimzi.io/cluster"] for user in users} == {"main"}
