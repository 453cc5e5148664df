"""Asks the brokers what a consumer cannot tell, over a connection of its own that no fetch holds up."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from threading import Timer
from typing import Any, NamedTuple

from confluent_kafka import ConsumerGroupState, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its type hints leave the first and last one out
    AclOperation,
    AdminClient,
    OffsetSpec,
)

from services.pipeline.errors import BrokerError
from services.pipeline.records import Partition
from services.pipeline.settings import KafkaSettings

REQUEST_SECONDS = 3
GRACE_SECONDS = 2
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]

_in_use: set[AdminClient] = set()
"""Keeps clients from being garbage-collected: should that happen in a thread of the client, it aborts the process."""


class Span(NamedTuple):
    """The offset of the oldest message that a partition keeps, and the one after its newest."""

    low: int
    high: int


class Brokers:
    """The cluster as its brokers see it; every method raises BrokerError if they do not answer in time."""

    def __init__(self, settings: KafkaSettings) -> None:
        # the consumer and the producer of the process already log a broker that is away
        self._admin = AdminClient(settings.client_config() | {"log_level": 0})
        _in_use.add(self._admin)

    def close(self) -> None:
        """Give the connection up once no request can be under way any more; does not wait for that."""
        ending = Timer(REQUEST_SECONDS + GRACE_SECONDS, _in_use.discard, (self._admin,))
        ending.daemon = True
        ending.start()

    async def unreadable(self, topics: Sequence[str]) -> Mapping[str, str]:
        """Return the reason for each of `topics` that we cannot read."""
        found = await self._described(topics)
        return {name: reason for name, described in found.items() if (reason := _hindrance(described))}

    async def highs(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        """Return the high watermark of every partition of `topics`."""
        return await self._offsets(await self._partitions(topics), _LATEST)

    async def spans(self, topics: Sequence[str]) -> Mapping[Partition, Span]:
        """Return the low and the high watermark of every partition of `topics`."""
        partitions = await self._partitions(topics)
        lows = await self._offsets(partitions, _EARLIEST)
        highs = await self._offsets(partitions, _LATEST)
        return {partition: Span(lows[partition], highs[partition]) for partition in partitions}

    async def is_standby(self, group: str, member_id: str) -> bool:
        """Whether `member_id` belongs to `group` and has no partition because others have them all."""
        futures = self._admin.describe_consumer_groups([group], request_timeout=REQUEST_SECONDS)
        try:
            described = await _result(futures[group])
        except KafkaException as error:
            raise BrokerError(error.args[0].str()) from error
        held = {member.member_id: len(member.assignment.topic_partitions) for member in described.members}
        is_stable = described.state is ConsumerGroupState.STABLE
        return is_stable and held.get(member_id) == 0 and sum(held.values()) > 0

    async def _partitions(self, topics: Sequence[str]) -> list[Partition]:
        found = await self._described(topics)
        missing = [f"{name}: {each}" for name, each in found.items() if isinstance(each, str)]
        if missing:
            raise BrokerError("; ".join(missing))
        return [Partition(name, each.id) for name, described in found.items() for each in described.partitions]

    async def _described(self, topics: Sequence[str]) -> Mapping[str, Any]:
        """Return the description of every topic, or what the brokers refuse it for."""
        futures = self._admin.describe_topics(
            TopicCollection(list(topics)), include_authorized_operations=True, request_timeout=REQUEST_SECONDS
        )
        return {name: await _answer(future) for name, future in futures.items()}

    async def _offsets(self, partitions: Sequence[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        wanted = {TopicPartition(*partition): spec for partition in partitions}
        futures = self._admin.list_offsets(wanted, request_timeout=REQUEST_SECONDS) if wanted else {}
        offsets = {}
        for each, future in futures.items():
            answer = await _answer(future)
            if isinstance(answer, str):
                raise BrokerError(f"{each.topic}: {answer}")
            offsets[Partition(each.topic, each.partition)] = int(answer.offset)
        return offsets


async def _answer(future: "Future[Any]") -> Any:
    """Return the answer, or as text why it was refused; BrokerError if there was no answer."""
    try:
        return await _result(future)
    except KafkaException as error:
        cause = error.args[0]
        if cause.code() < 0:  # librdkafka's own codes: no broker has answered
            raise BrokerError(cause.str()) from error
        return str(cause.str())


async def _result(future: "Future[Any]") -> Any:
    try:
        async with asyncio.timeout(REQUEST_SECONDS + GRACE_SECONDS):
            # the library fails on a future that was cancelled
            return await asyncio.shield(asyncio.wrap_future(future))
    except TimeoutError as error:
        raise BrokerError("Kafka's client gives no answer.") from error


def _hindrance(described: Any) -> str | None:
    if isinstance(described, str):
        return described
    operations = described.authorized_operations
    return "reading is not allowed" if operations and AclOperation.READ not in operations else None
