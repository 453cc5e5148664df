"""Asks a broker for settings and ids of topics; run as a program, it answers the question on its standard input.

Only librdkafka's admin client can ask, and it may abort its process when brokers go away while it waits for them. So a
service asks in a process of its own. This module imports nothing of ours, to start quickly and from anywhere.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

HIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)

Described = Mapping[str, Mapping[str, str] | None]
"""The settings of each topic, none if there is no such topic; None if we may not read them."""


def describe(config: Mapping[str, Any], topics: Sequence[str], seconds: float) -> Described:
    """Return the settings of `topics`; KafkaException if the broker refuses or does not answer in time."""
    admin = AdminClient({**config, "log_level": 0})
    asked = admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in topics], request_timeout=seconds
    )
    return {resource.name: _answered(answer) for resource, answer in asked.items()}


def identify(config: Mapping[str, Any], topics: Sequence[str], seconds: float) -> Mapping[str, str]:
    """Return Kafka's id of each of `topics` that exists and that we may see; KafkaException as for `describe`."""
    admin = AdminClient({**config, "log_level": 0})
    asked = admin.describe_topics(TopicCollection(list(topics)), request_timeout=seconds)
    return {name: found for name, answer in asked.items() if (found := _id_in(answer))}


def _id_in(answer: "Future[Any]") -> str | None:
    try:
        return str(answer.result().topic_id)
    except KafkaException as error:
        if error.args[0].code() in {KafkaError.UNKNOWN_TOPIC_OR_PART, *HIDDEN}:
            return None
        raise


def _answered(answer: "Future[Any]") -> Mapping[str, str] | None:
    try:
        return {name: str(entry.value) for name, entry in answer.result().items()}
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        if code in HIDDEN:
            return None
        raise


def main() -> None:
    """Print the settings and the ids, or why there are none, as JSON."""
    question = json.load(sys.stdin)
    try:
        answer: Mapping[str, Any] = {"described": describe(**question), "ids": identify(**question)}
    except KafkaException as error:
        answer = {"error": error.args[0].str()}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
