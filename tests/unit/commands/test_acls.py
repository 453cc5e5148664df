"""`countersign acls` without a broker: what it prints, and wrong usage."""

import json

import pytest
from click.testing import CliRunner, Result

from services.command import main


def acls(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["acls", *arguments], env={"KAFKA_BOOTSTRAP_SERVERS": ""})


def principals(result: Result) -> set[str]:
    return {entry["principal"] for entry in json.loads(result.stdout)["entries"]}


def test_entries_name_role_principal_resource_and_operation() -> None:
    result = acls("--role", "status-reader", "--json")
    assert json.loads(result.stdout)["entries"][-1] == {
        "role": "status-reader",
        "principal": "User:countersign-status-reader",
        "resource": "topic",
        "name": "commitment.status",
        "operation": "Read",
        "pattern": "literal",
        "permission": "allow",
        "host": "*",
    }


def test_a_principal_of_its_own_comes_before_the_prefix() -> None:
    given = ("--principal", "digest=User:CN=summary", "--principal-prefix", "User:cs-")
    assert principals(acls("--role", "digest", "--role", "notifier", *given, "--json")) == {
        "User:CN=summary",
        "User:cs-notifier",
    }


def test_the_default_is_a_script_for_all_roles() -> None:
    result = acls()
    assert result.exit_code == 0
    assert result.stdout.count("# ") == 8
    assert '--bootstrap-server "$KAFKA_BOOTSTRAP_SERVERS"' in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--check", "--apply"), "Say --check, or --apply"),
        (("--prune",), "Say --check, or --apply"),
        (("--format", "strimzi"), "--cluster NAME"),
        (("--principal", "nobody=User:x"), "is not one of approval"),
        (("--group", "status-reader="), "then = and a value"),
        (("--role", "root"), "'root' is not one of"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments: tuple[str, ...], words: str) -> None:
    result = acls(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_strimzi_gets_one_user_for_each_role() -> None:
    result = acls("--format", "strimzi", "--cluster", "main")
    assert result.exit_code == 0
    assert result.stdout.count("kind: KafkaUser") == 8


def test_comparing_needs_a_broker() -> None:
    result = acls("--check")
    assert result.exit_code == 1
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.stderr
