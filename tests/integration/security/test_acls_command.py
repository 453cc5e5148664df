"""`countersign acls` compares a real access-control list with the table, and mends it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from services.pipeline.broker.acls import AccessControl
from services.pipeline.kafka_rights import AclEntry
from tests.kafka import KafkaUnderTest
from tests.secured_kafka import ADMIN, SecuredKafka, all_entries, principal_of

COMMAND = (sys.executable, "-m", "services.command", "acls", "--principal-prefix", "User:")
DIGEST = principal_of("digest")
WILDCARD = AclEntry(DIGEST, "topic", "*", "Read")
PREFIXED = AclEntry(DIGEST, "topic", "commitment", "All", pattern="prefix")
DENIED = AclEntry(DIGEST, "cluster", "kafka-cluster", "IdempotentWrite", permission="deny", host="10.0.0.1")


@dataclass(frozen=True)
class Ended:
    status: int
    stdout: str
    stderr: str

    @property
    def found(self) -> dict[str, Any]:
        return dict(json.loads(self.stdout))


def acls(variables: dict[str, str], *arguments: str) -> Ended:
    environment = os.environ | variables
    ended = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_what_differs_is_told_then_mended(secured: SecuredKafka) -> None:
    administrator = secured.access(ADMIN)
    control = AccessControl(secured.settings(ADMIN))
    [first, second, *_] = [entry for entry in all_entries() if entry.principal == DIGEST]
    assert acls(administrator, "--check").stdout == "The access-control list is as it should be.\n"

    control.remove([first, second])
    control.add([WILDCARD, PREFIXED, DENIED])
    checked = acls(administrator, "--check", "--json")
    assert checked.status == 1
    assert "Missing: 2, not needed: 3" in checked.stderr
    assert {each["name"] for each in checked.found["missing"]} == {first.name, second.name}
    assert {each["permission"] for each in checked.found["others"]} == {"allow", "deny"}

    applied = acls(administrator, "--apply")
    assert (applied.status, applied.stderr) == (0, "")
    assert f"Added: {first.sentence}" in applied.stdout
    assert f"Not needed: {PREFIXED.sentence}" in applied.stdout
    assert control.entries_of([DIGEST]) >= {first, second, WILDCARD, PREFIXED, DENIED}

    assert f"Removed: {DENIED.sentence}" in acls(administrator, "--apply", "--prune", "--role", "digest").stdout
    assert control.entries_of({entry.principal for entry in all_entries()}) == set(all_entries())

    refused = acls(secured.access("operator"), "--check")
    assert (refused.status, refused.stdout) == (1, "")
    assert "must be an administrator's" in refused.stderr


def test_a_broker_without_an_authorizer_is_told_what_it_needs(kafka: KafkaUnderTest) -> None:
    ended = acls({"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}, "--apply")
    assert ended.status == 1
    assert "authorizer.class.name" in ended.stderr
