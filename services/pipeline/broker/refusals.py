"""Remembers which topics the brokers do not let a consumer read, from their refusal until something is read again."""

from collections.abc import Iterable

import structlog
from confluent_kafka import KafkaError

_CODES = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)

log = structlog.get_logger()


class Refusals:
    """The refused topics; whether there are any is its truth."""

    def __init__(self) -> None:
        self.topics: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.topics)

    def note(self, topic: str, error: KafkaError) -> bool:
        """Return whether `error` is a refusal; log it if it is new."""
        if error.code() not in _CODES:
            return False
        if topic not in self.topics:
            log.error("consumer.refused", topic=topic, cause=error.str())
        self.topics.add(topic)
        return True

    def forget(self, topics: Iterable[str]) -> None:
        """Forget the refusals of `topics`, from which something was read."""
        if self.topics:
            self.topics.difference_update(topics)
