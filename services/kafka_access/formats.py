"""Writes roles down as others read them: commands of Kafka's own tool, and users of Strimzi on Kubernetes."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import yaml

from services.kafka_access.roles import Role
from services.pipeline.kafka_rights import ANY_HOST, LITERAL, AclEntry, Operation, Resource, Right, entry_of

USER = "User:"


@dataclass(frozen=True, slots=True)
class Holder:
    """A role and the principal that Kafka knows it by, for example User:countersign-approval."""

    role: Role
    principal: str

    @property
    def entries(self) -> list[AclEntry]:
        """The role's entries in the access-control list."""
        return [entry_of(self.principal, right) for right in self.role.rights]


def kafka_commands(holders: Sequence[Holder], bootstrap_server: str | None, command_config: str) -> list[str]:
    """Return the lines of a shell script that adds the entries of `holders` with kafka-acls.sh.

    Without `bootstrap_server`, it takes the one in KAFKA_BOOTSTRAP_SERVERS.
    """
    server = shlex.quote(bootstrap_server) if bootstrap_server else '"$KAFKA_BOOTSTRAP_SERVERS"'
    tool = f"kafka-acls.sh --bootstrap-server {server} --command-config {shlex.quote(command_config)} --add"
    return [line for holder in holders for line in _commands(holder, tool)]


def _commands(holder: Holder, tool: str) -> list[str]:
    """Return one command for all topics or groups on which the same is allowed."""
    head = f"{tool} --allow-principal {shlex.quote(holder.principal)}"
    return [
        f"# {holder.role.name}: {holder.role.meaning}",
        *(
            f"{head} {_options('operation', operations)} {_options(resource, names)}"
            for resource, operations, names in _alike(holder.role.rights)
        ),
    ]


def _options(name: str, words: Iterable[str]) -> str:
    return " ".join(f"--{name} {shlex.quote(word)}" for word in words)


def strimzi_users(holders: Sequence[Holder], cluster: str, authentication: str) -> str:
    """Return one KafkaUser for each of `holders`, as YAML; its name is the principal's, whose first word is no part."""
    return yaml.safe_dump_all((_user(each, cluster, authentication) for each in holders), sort_keys=False)


def _user(holder: Holder, cluster: str, authentication: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": holder.principal.removeprefix(USER), "labels": {"strimzi.io/cluster": cluster}},
        "spec": {
            "authentication": {"type": authentication},
            "authorization": {"type": "simple", "acls": [_rule(*each) for each in _by_name(holder.role.rights)]},
        },
    }


def _rule(resource: Resource, name: str, operations: Sequence[Operation]) -> Mapping[str, Any]:
    return {
        "resource": {"type": resource.value, "name": name, "patternType": LITERAL},
        "operations": [operation.value for operation in operations],
        "host": ANY_HOST,
    }


def _alike(rights: Sequence[Right]) -> list[tuple[Resource, tuple[Operation, ...], list[str]]]:
    """Return kind, operations and names of the topics and groups on which the same is allowed."""
    names: dict[tuple[Resource, tuple[Operation, ...]], list[str]] = {}
    for resource, name, operations in _by_name(rights):
        names.setdefault((resource, operations), []).append(name)
    return [(resource, operations, found) for (resource, operations), found in names.items()]


def _by_name(rights: Sequence[Right]) -> list[tuple[Resource, str, tuple[Operation, ...]]]:
    grouped = groupby(sorted(rights), key=lambda right: (right.resource, right.name))
    return [(resource, name, tuple(each.operation for each in found)) for (resource, name), found in grouped]
