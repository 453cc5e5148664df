"""Which rights on Kafka each service, an operator and the systems around us need: the least, by full names only.

They follow from the services' own tables: what they handle, they read; what they publish, they write. Nobody needs a
right on the cluster: an idempotent producer asks for none since Kafka 2.8, and nothing of ours uses transactions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.events import (
    CommitmentResent,
    CommitmentRetrieved,
    CommitmentSent,
    CommitmentStatus,
    DirectoryPerson,
    EventData,
    SubmissionRefused,
)
from schemas.topics import TOPICS
from services.approval import handlers as approval
from services.digest import handlers as digest
from services.exporter import handlers as exporter
from services.notifier import handlers as notifier
from services.pipeline.fold import On
from services.pipeline.kafka_rights import Operation, Resource, Right, group_of
from services.pipeline.names import SERVICES

PROJECT_TOOL, DIRECTORY, STATUS_READER, OPERATOR = "project-tool", "directory", "status-reader", "operator"
FROM_PROJECT_TOOL = (CommitmentSent, CommitmentResent, CommitmentRetrieved)
TO_PROJECT_TOOL = (CommitmentStatus, SubmissionRefused)

Events = Iterable[type[EventData]]


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody who connects to Kafka under a name of their own, and all that they need there."""

    name: str
    meaning: str
    rights: tuple[Right, ...]


def roles(groups: Mapping[str, str] | None = None) -> tuple[Role, ...]:
    """Return all roles; `groups` says which consumer group a system around us reads with, its role's name if not."""
    given = groups or {}
    return (
        _service("approval", _handled(_approval_handlers()), approval.PUBLISHED),
        _service("exporter", _handled(exporter.handlers(lambda *_: None)), exporter.PUBLISHED),
        _service("notifier", _handled(_notifier_handlers()), notifier.PUBLISHED),
        _service("digest", _handled(_digest_handlers()), digest.PUBLISHED),
        Role(OPERATOR, "runs countersign topics, and looks at topics and lag", _sorted(_operating())),
        Role(
            PROJECT_TOOL,
            "sends commitments, and shows what became of them",
            _sorted((*_writing(FROM_PROJECT_TOOL), *_reading(TO_PROJECT_TOOL, given.get(PROJECT_TOOL, PROJECT_TOOL)))),
        ),
        Role(DIRECTORY, "publishes people and their rights", _sorted(_writing((DirectoryPerson,)))),
        Role(
            STATUS_READER,
            "follows the state of commitments, and writes nothing",
            _sorted(_reading((CommitmentStatus,), given.get(STATUS_READER, STATUS_READER))),
        ),
    )


def _service(name: str, handled: Events, published: Events) -> Role:
    """A service also reads the settings of its topics, to warn of those that keep less than was promised."""
    handled, published = tuple(handled), tuple(published)
    checking = _on_topics((*handled, *published), Operation.DESCRIBE_CONFIGS)
    rights = (*_reading(handled, group_of(name)), *_writing(published), *checking)
    return Role(name, f"countersign run {name}", _sorted(rights))


def _operating() -> list[Right]:
    names = [topic.name for topic in TOPICS]
    needed = (Operation.CREATE, Operation.DESCRIBE, Operation.ALTER_CONFIGS)
    groups = [group_of(service) for service in SERVICES]
    return [
        *(Right(Resource.TOPIC, name, operation) for name in names for operation in needed),
        *(Right(Resource.GROUP, group, Operation.DESCRIBE) for group in groups),
    ]


def _reading(events: Events, group: str) -> list[Right]:
    return [*_on_topics(events, Operation.READ), Right(Resource.GROUP, group, Operation.READ)]


def _writing(events: Events) -> list[Right]:
    return _on_topics(events, Operation.WRITE)


def _on_topics(events: Events, operation: Operation) -> list[Right]:
    return [Right(Resource.TOPIC, event.topic, operation) for event in events]


def _sorted(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(sorted(frozenset(rights)))


def _handled(handlers: Sequence[On[Any, Any, Any]]) -> list[type[EventData]]:
    return [on.data_type for on in handlers]


def _approval_handlers() -> tuple[On[Any, Any, Any], ...]:
    people, lists = approval.PEOPLE_HANDLERS, approval.REFERENCE_HANDLERS
    return (*approval.HANDLERS, *people, *approval.PREFERENCE_HANDLERS, *approval.CONNECTION_HANDLERS, *lists)


def _notifier_handlers() -> tuple[On[Any, Any, Any], ...]:
    return (*notifier.COMMITMENT_HANDLERS, *notifier.DIGEST_HANDLERS)


def _digest_handlers() -> tuple[On[Any, Any, Any], ...]:
    return (*digest.ITEM_HANDLERS, *digest.PERSON_HANDLERS, *digest.PREFERENCE_HANDLERS)
