"""Compares the lag that our processes show with the one that Kafka's own tools would show."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Collection, Iterable

import httpx2

from sandbox.service_process import ServiceProcess
from sandbox.world import World
from services.pipeline.broker.inquiry import Inquiry
from services.pipeline.kafka_rights import group_of
from services.pipeline.records import Partition
from tests.waiting import eventually

SETTLED_WITHIN_SECONDS = 60.0
_LAG = re.compile(r'^kafka_consumer_lag\{partition="(\d+)",topic="([^"]+)"\} (\S+)$', re.MULTILINE)


async def assert_lags_agree(world: World, members: Iterable[ServiceProcess]) -> None:
    """Within a minute each partition with messages is shown by one member of its group, with the brokers' lag: none."""
    of_groups = defaultdict(list)
    for member in members:
        of_groups[group_of(member.name)].append(member)
    inquiry = await asyncio.to_thread(Inquiry, world.kafka_settings)
    for group, processes in of_groups.items():
        seen: list[object] = []

        async def agree(group: str = group, processes: Collection[ServiceProcess] = processes, seen=seen) -> bool:  # noqa: ANN001 - of this function
            ours, theirs = await shown(processes), await asyncio.to_thread(lags_at_brokers, inquiry, group)
            seen[:] = [ours, theirs]
            waiting = {partition: lags for partition, lags in ours.items() if lags != [0.0]}
            return bool(ours) and theirs.keys() <= ours.keys() and not waiting and not any(theirs.values())

        try:
            await eventually(agree, SETTLED_WITHIN_SECONDS, every=1.0)
        except AssertionError as error:
            raise AssertionError(f"{group}: we show {seen[0]}, the brokers {seen[1]}") from error


async def shown(processes: Iterable[ServiceProcess]) -> dict[Partition, list[float]]:
    """Return the lag that each process shows of each partition."""
    found: defaultdict[Partition, list[float]] = defaultdict(list)
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as prometheus:
        for process in processes:
            text = (await prometheus.get(f"{process.url}/metrics")).text
            for number, topic, lag in _LAG.findall(text):
                found[Partition(topic, int(number))].append(float(lag))
    return dict(found)


def lags_at_brokers(inquiry: Inquiry, group: str) -> dict[Partition, int]:
    """Return how many messages `group` has not committed, by partition."""
    committed = inquiry.committed(group)
    spans = inquiry.spans(committed)
    return {each: spans[each].high - offset for each, offset in committed.items()}
