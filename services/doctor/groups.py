"""Whether each service reads its topics, and nothing is lost before it does."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from schemas.topics import BY_NAME, PARTITIONS
from services.doctor.findings import Finding, not_checked, ok, or_ok, warning, wrong
from services.doctor.surroundings import Surroundings, Whereabouts, of_each_service
from services.pipeline.behind import PartitionLag, Place, in_words, summary
from services.pipeline.names import SERVICES

OURS = frozenset(f"countersign.{service}" for service in SERVICES)
SOON_SECONDS = 3 * 86_400.0
"""How long before retention deletes an unread message somebody has to know: a weekend."""
OLD_SECONDS = 900.0


async def check_groups(around: Surroundings) -> list[Finding]:
    """Whether every group has members that read its partitions, and whether there are groups that nobody uses."""
    names = await asyncio.to_thread(around.inquiry().group_names)
    return [*judge_names(names), *await of_each_service(around, _members_of)]


async def _members_of(around: Surroundings, service: str) -> list[Finding]:
    return judge_members(await around.whereabouts(service), around.clock())


def judge_names(names: Iterable[str]) -> list[Finding]:
    """Return the groups with our prefix that belong to no service."""
    orphans = [name for name in names if name.startswith("countersign.") and name not in OURS]
    text = "belongs to no service; it keeps offsets, and its lag alarms somebody"
    return [
        warning(name, text, f"If nobody else uses it: kafka-consumer-groups.sh --delete --group {name}")
        for name in orphans
    ]


def judge_members(where: Whereabouts, now: datetime) -> list[Finding]:
    """Return what is wrong with the members of one group."""
    service, lags, members = where.seen.service, where.lags, where.seen.group.members
    behind = sum(each.behind or 0 for each in lags)
    told = summary(service, lags, len(members), now)
    if not members and behind:
        return [wrong(service, told, f"Start countersign run {service}, and see its log.")]
    if not members:
        return [warning(service, "no process of it is in its group", f"Start countersign run {service}.")]
    if not all(each.member for each in lags if each.place is not Place.UNKNOWN):  # check_topics tells of those
        return [wrong(service, told, "Wait a minute for the group to settle; then see the service's log.")]
    ages = [age for each in lags if (age := each.age_seconds(now)) is not None]
    if max(ages, default=0.0) > OLD_SECONDS:
        return [
            warning(service, told, f"countersign lag {service}; docs/operations.md, “How far services are behind”.")
        ]
    if len(members) > PARTITIONS:
        text = f"has {len(members)} processes, but {PARTITIONS} partitions: some read nothing"
        return [warning(service, text, f"Run at most {PARTITIONS} processes that read.")]
    return [ok(service, f"{told}; processes that read: {len(members)}")]


async def check_offsets(around: Surroundings) -> list[Finding]:
    """Whether saved offsets are out of range, or are about to be, because unread messages become too old."""
    return await of_each_service(around, _offsets_of)


async def _offsets_of(around: Surroundings, service: str) -> list[Finding]:
    cluster, where = await around.cluster(), await around.whereabouts(service)
    topics = sorted({each.partition.topic for each in where.lags if each.behind} & cluster.topics.keys())
    described = await asyncio.to_thread(around.inquiry().topic_settings, topics) if topics else {}
    return judge_offsets(service, where.lags, described, around.clock())


def judge_offsets(
    service: str, lags: Sequence[PartitionLag], settings: Mapping[str, Mapping[str, str] | None], now: datetime
) -> list[Finding]:
    """Return the partitions of one service that are not read until somebody decides, or soon will not be."""
    found: list[Finding] = []
    for each in lags:
        name = f"{each.partition.topic}/{each.partition.number}"
        if each.place.is_out_of_range:
            remedy = f"countersign offsets list {service} --out-of-range; docs/operations.md, “Offset out of range”."
            found.append(wrong(service, f"{name} is {each.place.value} (saved {each.saved})", remedy))
        left = seconds_left(each, settings.get(each.partition.topic) or {}, now)
        if left is not None and left < SOON_SECONDS:
            text = f"{name} has {each.behind} unread messages, the first to be deleted in {in_words(max(left, 0))}"
            found.append(
                wrong(service, text, f"Let {service} read now, or raise retention.ms of {each.partition.topic}.")
            )
    found += _not_told(service, lags, settings)
    return or_ok(found, service, "all offsets are in range, and nothing unread is about to be deleted")


def _not_told(
    service: str, lags: Iterable[PartitionLag], settings: Mapping[str, Mapping[str, str] | None]
) -> Iterable[Finding]:
    """Yield what Kafka did not say of partitions on which something is unread, or may be."""
    open_ = [each for each in lags if each.behind != 0 and not each.place.is_out_of_range]
    ageless = [each for each in open_ if each.oldest_at is None]
    if ageless:
        yield not_checked(service, f"Kafka did not say how old what is unread is, on {_named(ageless)}")
    hidden = [each for each in open_ if each.behind and settings.get(each.partition.topic) is None]
    if hidden:
        yield not_checked(service, f"Kafka did not say for how long it keeps {_named(hidden)}: allow DescribeConfigs")


def _named(partitions: Sequence[PartitionLag]) -> str:
    """Return how many partitions there are, and which is the first."""
    first = f"{partitions[0].partition.topic}/{partitions[0].partition.number}"
    return first if len(partitions) == 1 else f"{len(partitions)} partitions such as {first}"


def seconds_left(lag: PartitionLag, settings: Mapping[str, str], now: datetime) -> float | None:
    """Return how long the broker keeps the oldest unread message; None where it is kept, or nothing is unread."""
    age, topic = lag.age_seconds(now), BY_NAME[lag.partition.topic]
    kept_ms = int(settings.get("retention.ms", "-1"))
    if age is None or topic.is_compacted or kept_ms < 0:
        return None
    return kept_ms / 1000 - age
