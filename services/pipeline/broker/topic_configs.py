"""Finds the settings of existing topics that keep less than was promised, and corrects them."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from schemas.topics import BY_NAME, Topic
from services.pipeline.broker import describing
from services.pipeline.broker.describing import Described, describe
from services.pipeline.broker.messages import LIBRDKAFKA_LOG
from services.pipeline.errors import BrokerError
from services.pipeline.settings import KafkaSettings
from services.pipeline.topic_settings import WrongSetting, wrong_settings

START_SECONDS = 15.0
"""How long Python may take to start, on a busy machine too."""


@dataclass(frozen=True, slots=True)
class TopicFindings:
    """The wrong settings of topics, the topics whose settings the broker does not let us read, and Kafka's ids."""

    wrong: Sequence[WrongSetting]
    hidden: Sequence[str]
    ids: Mapping[str, str] = field(default_factory=dict)


def find_wrong_settings(settings: KafkaSettings, topics: Sequence[Topic], timeout_seconds: float) -> TopicFindings:
    """Return what is wrong with those of `topics` that exist; BrokerError if the broker does not answer in time.

    For commands only: what it uses may abort the process.
    """
    if not topics:
        return TopicFindings((), ())
    try:
        return _found(describe(settings.client_config(), [topic.name for topic in topics], timeout_seconds))
    except KafkaException as error:
        raise _unread(error.args[0].str()) from error


async def find_wrong_settings_apart(
    settings: KafkaSettings, topics: Sequence[Topic], timeout_seconds: float
) -> TopicFindings:
    """Return what `find_wrong_settings` returns, found out in a process of its own; BrokerError also if that fails."""
    question = {
        "config": settings.client_config(),  # not as an argument, which everybody on the machine can read
        "topics": [topic.name for topic in topics],
        "seconds": timeout_seconds,
    }
    try:
        async with asyncio.timeout(START_SECONDS + timeout_seconds):
            output = await _answer_of(json.dumps(question).encode())
    except TimeoutError:
        raise _unread("no answer in time") from None
    answer = json.loads(output or b"{}")
    if "described" not in answer:
        raise _unread(answer.get("error", "the process that asks for them has failed"))
    return replace(_found(answer["described"]), ids=answer["ids"])


async def _answer_of(question: bytes) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, describing.__file__, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        output, _ = await child.communicate(question)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return output


def correct_settings(settings: KafkaSettings, wrong: Sequence[WrongSetting], timeout_seconds: float) -> None:
    """Set each of `wrong` to the value that is wanted, and nothing else; BrokerError if the broker refuses."""
    by_topic: dict[str, list[ConfigEntry]] = {}
    for each in wrong:
        entry = ConfigEntry(each.setting, each.wanted, incremental_operation=AlterConfigOpType.SET)
        by_topic.setdefault(each.topic, []).append(entry)
    admin = AdminClient(settings.client_config(), logger=LIBRDKAFKA_LOG)
    resources = [
        ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries) for name, entries in by_topic.items()
    ]
    for resource, answer in admin.incremental_alter_configs(resources, request_timeout=timeout_seconds).items():
        try:
            answer.result()
        except KafkaException as error:
            raise BrokerError(f"The settings of {resource.name} could not be changed: {error.args[0].str()}") from error


def _found(described: Described) -> TopicFindings:
    wrong: list[WrongSetting] = []
    for name, current in described.items():
        wrong += wrong_settings(BY_NAME[name], current or {})
    return TopicFindings(wrong, [name for name, current in described.items() if current is None])


def _unread(why: str) -> BrokerError:
    return BrokerError(f"The settings of topics could not be read: {why}")
