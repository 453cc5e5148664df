"""Reads the settings of existing topics, and corrects those that keep less than was promised."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from schemas.topics import BY_NAME, Topic
from services.pipeline.broker.messages import LIBRDKAFKA_LOG
from services.pipeline.errors import BrokerError
from services.pipeline.settings import KafkaSettings
from services.pipeline.topic_settings import WrongSetting, wrong_settings

_HIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


@dataclass(frozen=True, slots=True)
class TopicFindings:
    """The wrong settings of topics, and the topics whose settings the broker does not let us read."""

    wrong: Sequence[WrongSetting]
    hidden: Sequence[str]


def find_wrong_settings(settings: KafkaSettings, topics: Sequence[Topic], timeout_seconds: float) -> TopicFindings:
    """Return what is wrong with those of `topics` that exist; BrokerError if the broker does not answer in time."""
    if not topics:
        return TopicFindings((), ())
    admin = AdminClient(settings.client_config(), logger=LIBRDKAFKA_LOG)
    asked = admin.describe_configs([_resource(topic.name) for topic in topics], request_timeout=timeout_seconds)
    wrong: list[WrongSetting] = []
    hidden: list[str] = []
    for resource, answer in asked.items():
        current = _current(resource.name, answer)
        if current is None:
            hidden.append(resource.name)
        else:
            wrong += wrong_settings(BY_NAME[resource.name], current)
    return TopicFindings(wrong, hidden)


def correct_settings(settings: KafkaSettings, wrong: Sequence[WrongSetting], timeout_seconds: float) -> None:
    """Set each of `wrong` to the value that is wanted, and nothing else; BrokerError if the broker refuses."""
    by_topic: dict[str, list[ConfigEntry]] = {}
    for each in wrong:
        entry = ConfigEntry(each.setting, each.wanted, incremental_operation=AlterConfigOpType.SET)
        by_topic.setdefault(each.topic, []).append(entry)
    admin = AdminClient(settings.client_config(), logger=LIBRDKAFKA_LOG)
    resources = [_resource(name, entries) for name, entries in by_topic.items()]
    for resource, answer in admin.incremental_alter_configs(resources, request_timeout=timeout_seconds).items():
        try:
            answer.result()
        except KafkaException as error:
            raise BrokerError(f"The settings of {resource.name} could not be changed: {error.args[0].str()}") from error


def _resource(topic: str, entries: list[ConfigEntry] | None = None) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)


def _current(topic: str, answer: "Future[Any]") -> Mapping[str, str] | None:
    """Return the settings of one topic, none if there is no such topic; None if we may not read them."""
    try:
        return {name: str(entry.value) for name, entry in answer.result().items()}
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        if code in _HIDDEN:
            return None
        raise BrokerError(f"The settings of {topic} could not be read: {error.args[0].str()}") from error
