"""Asks the brokers what operators want to know: topics, groups with their members, offsets, and times of messages.

For commands only: librdkafka's admin client may abort its process when brokers go away while it waits for them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka._model import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType

from schemas.values import value
from services.pipeline.broker.brokers import NOT_LED, Span
from services.pipeline.broker.describing import HIDDEN, Described, describe
from services.pipeline.broker.messages import LIBRDKAFKA_LOG, at_offset, consumer_config, partition_of, record_of
from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition, Record
from services.pipeline.settings import KafkaSettings

REQUEST_SECONDS = 10.0
POLL_SECONDS = 0.2
_NO_SUCH_GROUP = (KafkaError.GROUP_ID_NOT_FOUND,)

_SPECS: Any = OffsetSpec
"""The library gives it no types."""

T = TypeVar("T")


@value
class TopicShape:
    """How many partitions a topic has, the least replicas and in-sync replicas of one, and those without a leader."""

    partitions: int
    replicas: int
    in_sync: int
    without_leader: tuple[int, ...]


@value
class Cluster:
    """The ids of the brokers, and every topic that we may see."""

    brokers: tuple[int, ...]
    topics: Mapping[str, TopicShape]


@value
class Member:
    """One member of a consumer group, and what it reads."""

    name: str
    host: str
    partitions: frozenset[Partition]


@value
class Group:
    """A consumer group: its protocol (`consumer` or `classic`), and who is in it now."""

    name: str
    protocol: str
    members: tuple[Member, ...]

    def holder_of(self, partition: Partition) -> Member | None:
        """Return the member that reads `partition`."""
        return next((each for each in self.members if partition in each.partitions), None)


class Inquiry:
    """Questions to one cluster; every method blocks, and raises BrokerError if it is not answered in time."""

    def __init__(self, settings: KafkaSettings, seconds: float = REQUEST_SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._admin = AdminClient(settings.client_config() | {"log_level": 0})

    def cluster(self) -> Cluster:
        """Return the brokers and the topics."""
        described = _asked(lambda: self._admin.list_topics(timeout=self._seconds))
        known = {name: each for name, each in described.topics.items() if each.error is None}
        return Cluster(tuple(sorted(described.brokers)), {name: _shape(each) for name, each in known.items()})

    def spans(self, partitions: Iterable[Partition]) -> Mapping[Partition, Span]:
        """Return the low and the high watermark of each of `partitions`; those without a leader have none."""
        wanted = list(partitions)
        lows = self._offsets(wanted, _SPECS.earliest())
        highs = self._offsets(wanted, _SPECS.latest())
        return {each: Span(lows[each].offset, highs[each].offset) for each in wanted if each in lows and each in highs}

    def newest_times(self, partitions: Iterable[Partition]) -> Mapping[Partition, datetime]:
        """Return the highest timestamp on each of `partitions` that has messages."""
        found = self._offsets(list(partitions), _SPECS.max_timestamp())
        return {name: _moment(each.timestamp) for name, each in found.items() if each.timestamp > 0}

    def group_names(self) -> list[str]:
        """Return the names of all consumer groups that we may see."""
        listed = _asked(lambda: self._admin.list_consumer_groups(request_timeout=self._seconds).result())
        return sorted(each.group_id for each in listed.valid or ())

    def group(self, name: str) -> Group:
        """Return the group `name`; one that does not exist has no members."""
        [answer] = self._admin.describe_consumer_groups([name], request_timeout=self._seconds).values()
        try:
            described = answer.result()
        except KafkaException as error:
            if error.args[0].code() in _NO_SUCH_GROUP:
                return Group(name, "", ())
            raise _broker_error(error) from error
        return Group(name, str(described.type.name).lower(), tuple(map(_member, described.members or ())))

    def committed(self, group: str) -> Mapping[Partition, int]:
        """Return the offsets that Kafka keeps for `group`."""
        [answer] = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)], request_timeout=self._seconds
        ).values()
        try:
            found = answer.result()
        except KafkaException as error:
            if error.args[0].code() in _NO_SUCH_GROUP:
                return {}
            raise _broker_error(error) from error
        kept = found.topic_partitions or ()
        return {Partition(each.topic, each.partition): each.offset for each in kept if each.offset >= 0}

    def times(self, offsets: Mapping[Partition, int], seconds: float = REQUEST_SECONDS) -> Mapping[Partition, datetime]:
        """Return the time of the first message at or behind each offset, of those that answer within `seconds`.

        Nobody's group and nobody's offsets are touched.
        """
        return {partition: record.at for partition, record in self.records(offsets, seconds).items()}

    def records(self, offsets: Mapping[Partition, int], seconds: float = REQUEST_SECONDS) -> Mapping[Partition, Record]:
        """Return the first message at or behind each offset, as `times` does."""
        return _first_records(self._settings, offsets, seconds) if offsets else {}

    def topic_settings(self, topics: Sequence[str]) -> Described:
        """Return the settings of `topics`."""
        return _asked(lambda: describe(self._settings.client_config(), topics, self._seconds))

    def broker_settings(self, broker: int) -> Mapping[str, str] | None:
        """Return the settings of one broker; None if we may not read them."""
        resource = ConfigResource(ResourceType.BROKER, str(broker))
        [answer] = self._admin.describe_configs([resource], request_timeout=self._seconds).values()
        try:
            return {name: str(entry.value) for name, entry in answer.result().items()}
        except KafkaException as error:
            if error.args[0].code() in HIDDEN:
                return None
            raise _broker_error(error) from error

    def _offsets(self, partitions: list[Partition], spec: OffsetSpec) -> Mapping[Partition, Any]:
        if not partitions:
            return {}
        asked = {TopicPartition(each.topic, each.number): spec for each in partitions}
        answers = _asked(lambda: self._admin.list_offsets(asked, request_timeout=self._seconds))
        found = {Partition(at.topic, at.partition): _offset(answer) for at, answer in answers.items()}
        return {name: each for name, each in found.items() if each is not None}


def _offset(answer: "Future[Any]") -> Any:
    """Return the answer, None for a partition that has no leader or does not exist."""
    try:
        return answer.result()
    except KafkaException as error:
        if error.args[0].code() in (*NOT_LED, KafkaError.UNKNOWN_TOPIC_OR_PART):
            return None
        raise _broker_error(error) from error


def _first_records(
    settings: KafkaSettings, offsets: Mapping[Partition, int], seconds: float
) -> Mapping[Partition, Record]:
    config = consumer_config(settings, "countersign.inquiry") | {"enable.partition.eof": True, "log_level": 0}
    consumer = Consumer(config, logger=LIBRDKAFKA_LOG)
    records: dict[Partition, Record] = {}
    waiting, deadline = set(offsets), monotonic() + seconds
    try:
        consumer.assign([at_offset(partition, offset) for partition, offset in offsets.items()])
        while waiting and monotonic() < deadline:
            message = consumer.poll(POLL_SECONDS)
            if message is None or message.topic() is None:
                continue
            partition = partition_of(message)
            if message.error() is None:
                records.setdefault(partition, record_of(message))
            if partition in waiting:
                waiting.discard(partition)
                consumer.incremental_unassign([at_offset(partition, None)])  # one message of each is enough
    except KafkaException as error:
        raise _broker_error(error) from error
    finally:
        consumer.close()
    return records


def _shape(topic: Any) -> TopicShape:
    parts = topic.partitions.values()
    return TopicShape(
        len(parts),
        min((len(each.replicas) for each in parts), default=0),
        min((len(each.isrs) for each in parts), default=0),
        tuple(sorted(each.id for each in parts if each.leader < 0)),
    )


def _member(member: Any) -> Member:
    assigned = member.assignment.topic_partitions if member.assignment else ()
    held = frozenset(Partition(each.topic, each.partition) for each in assigned or ())
    return Member(member.member_id, member.host.removeprefix("/"), held)


def _moment(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except KafkaException as error:
        raise _broker_error(error) from error


def _broker_error(error: KafkaException) -> BrokerError:
    return BrokerError(f"Kafka does not answer, or refuses: {error.args[0].str()}")
