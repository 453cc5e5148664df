"""What Kafka lets somebody do: rights as our tables name them, and entries of its access-control list."""

from dataclasses import dataclass
from enum import StrEnum

ANY_HOST = "*"
LITERAL = "literal"
ALLOW = "allow"


class Resource(StrEnum):
    """What a right is about."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What may be done; READ and WRITE allow DESCRIBE as well, and ALTER_CONFIGS allows DESCRIBE_CONFIGS."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One operation on one topic or one consumer group, both by their full names."""

    resource: Resource
    name: str
    operation: Operation


@dataclass(frozen=True, slots=True, order=True)
class AclEntry:
    """One entry of the list, in the words of Kafka's own tools; those of others may have any words."""

    principal: str
    resource: str
    name: str
    operation: str
    pattern: str = LITERAL
    permission: str = ALLOW
    host: str = ANY_HOST

    @property
    def sentence(self) -> str:
        """The entry as one line for people."""
        pattern = "" if self.pattern == LITERAL else f" ({self.pattern})"
        host = "" if self.host == ANY_HOST else f" from {self.host}"
        return f"{self.permission} {self.principal}{host} {self.operation} on {self.resource} {self.name}{pattern}"


def group_of(service: str) -> str:
    """Return the consumer group of a service."""
    return f"countersign.{service}"


def entry_of(principal: str, right: Right) -> AclEntry:
    """Return the entry that gives `right` to `principal`, from any host."""
    return AclEntry(principal, right.resource.value, right.name, right.operation.value)
