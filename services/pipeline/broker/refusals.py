"""Remembers what the brokers do not let a consumer read, from their refusal until something is read again."""

from collections.abc import Iterable

import structlog
from confluent_kafka import KafkaError

REMEDY = "`countersign acls --check` names what is missing"

log = structlog.get_logger()


class Refusals:
    """The refused topics, and the group if it is refused; whether there are any is its truth."""

    def __init__(self, group: str) -> None:
        self._group = group
        self.names: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.names)

    def note(self, topic: str, error: KafkaError) -> bool:
        """Return whether `error` is a refusal; log it if it is new. One of the group is about no topic."""
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            if self._is_new(topic):
                log.error("consumer.refused", topic=topic, cause=error.str(), remedy=REMEDY)
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            if self._is_new(self._group):
                log.error("consumer.refused", group=self._group, cause=error.str(), remedy=REMEDY)
        else:
            return False
        return True

    def forget(self, names: Iterable[str]) -> None:
        """Forget the refusals of topics from which something was read, or of the group that let us in."""
        if self.names:
            self.names.difference_update(names)

    def _is_new(self, name: str) -> bool:
        is_new = name not in self.names
        self.names.add(name)
        return is_new


def is_fatal(error: KafkaError) -> bool:
    """Whether the client that raised `error` will never read again.

    A member whose group is refused while it reads, with the protocol `consumer`, says so by its code only.
    """
    return bool(error.fatal()) or error.code() == KafkaError._FATAL  # noqa: SLF001 - librdkafka's local codes begin with _
