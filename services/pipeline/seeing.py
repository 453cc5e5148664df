"""Finds out, for commands, where a service is on its topics: from its database and from the brokers."""

import asyncio
from collections.abc import Collection, Sequence

from pydantic import SecretStr

from schemas.topics import PARTITIONS
from services.pipeline.behind import Seen
from services.pipeline.broker.inquiry import Cluster, Inquiry
from services.pipeline.offsets import Offsets
from services.pipeline.operations import kernel_of, open_database
from services.pipeline.records import Partition

KEPT_BY_KAFKA = ("digest",)
"""Services whose offsets Kafka keeps: Faust commits them."""


async def see(inquiry: Inquiry, cluster: Cluster, service: str, topics: Sequence[str], url: SecretStr | None) -> Seen:
    """Return what is known of `service`; without `url`, its offsets are those that Kafka keeps.

    CountersignError if the database or Kafka does not answer.
    """
    name = f"countersign.{service}"
    partitions = partitions_of(cluster, topics)
    committed = await asyncio.to_thread(inquiry.committed, name)
    saved = committed if url is None else await saved_offsets(url, service)
    spans = await asyncio.to_thread(inquiry.spans, [each for each in partitions if each.topic in cluster.topics])
    group = await asyncio.to_thread(inquiry.group, name)
    return Seen(service, partitions, saved, spans, group, committed, is_kept_by_kafka=url is None)


def partitions_of(cluster: Cluster, topics: Collection[str]) -> list[Partition]:
    """Return every partition of `topics`; of a topic that does not exist, those that it should have."""
    counts = {name: cluster.topics[name].partitions if name in cluster.topics else PARTITIONS for name in topics}
    return [Partition(name, number) for name in sorted(counts) for number in range(counts[name])]


async def saved_offsets(url: SecretStr, service: str) -> dict[Partition, int]:
    """Return the offsets that `service` has saved with its state."""
    async with open_database(url) as database:
        return dict(await Offsets(kernel_of(service)).load_all(database))
