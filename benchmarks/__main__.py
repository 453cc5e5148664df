"""`make bench`: approval's throughput compared with a per-message loop, and its latency at 200 events/s."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from statistics import quantiles
from time import perf_counter
from uuid import uuid4

from pydantic import SecretStr

from benchmarks.load import TOPIC, preload, submission
from benchmarks.per_message import per_message_rate
from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.service_process import ServiceProcess
from schemas.events import CommitmentStatus
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS
from services.pipeline.broker import EventProducer, TopicReader, create_topics
from services.pipeline.migrations import migrate
from services.pipeline.settings import KafkaSettings

WARM_UP = 2_000


class Bench:
    """One Kafka and one durable PostgreSQL, with a new database for each measurement."""

    def __init__(self, kafka: LocalKafka, postgres: LocalPostgres) -> None:
        self.settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
        self._postgres = postgres

    async def new_database(self) -> SecretStr:
        """Create an empty, migrated database and return its URL."""
        name = f"bench_{uuid4().hex[:8]}"
        url = SecretStr(await asyncio.to_thread(self._postgres.create_database, name))
        await migrate(url, MIGRATIONS)
        return url

    def approval(self, url: SecretStr) -> ServiceProcess:
        """Return the approval service as a process that is not started yet."""
        return ServiceProcess(
            "approval",
            {
                "KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
                "DATABASE_URL": url.get_secret_value(),
                "PUBLIC_URL": "http://127.0.0.1:1",
                "LINK_SECRET": "only-for-measuring-here",
                "OIDC_ISSUER": "http://127.0.0.1:1",
                "OIDC_CLIENT_ID": "bench",
                "OIDC_CLIENT_SECRET": "bench",
                "OIDC_AUDIENCE": "bench",
            },
        )


class StatusWatch:
    """Records when each commitment's status event was read from the topic."""

    def __init__(self, settings: KafkaSettings, prefix: str) -> None:
        self._prefix = prefix
        self._reader = TopicReader(settings, [CommitmentStatus.topic])
        self._ends = self._reader.ends()
        while not self._reader.has_reached(self._ends):
            self._reader.read(0.5)
        self.seen_at: dict[str, float] = {}

    async def until(self, count: int) -> None:
        """Return once the status events of `count` commitments have been read."""
        while len(self.seen_at) < count:
            for record in await asyncio.to_thread(self._reader.read, 0.5):
                key = (record.key or b"").decode()
                if key.startswith(self._prefix):
                    self.seen_at.setdefault(key, perf_counter())

    def close(self) -> None:
        """Close the consumer."""
        self._reader.close()


async def throughput(bench: Bench, count: int) -> float:
    """Return events per second, from a backlog of submissions to status events read, after a warm-up."""
    ids = [f"t-{uuid4().hex[:16]}" for _ in range(count)]
    await preload(bench.settings, ids)
    watch = StatusWatch(bench.settings, "t-")
    with bench.approval(await bench.new_database()):
        await asyncio.wait_for(watch.until(count), 600)
    watch.close()
    times = sorted(watch.seen_at.values())
    return (count - WARM_UP) / (times[-1] - times[WARM_UP])


async def latency_ms(bench: Bench, rate: float, seconds: float) -> list[float]:
    """Send `rate` submissions per second; return for each the milliseconds until its status event was read."""
    watch = StatusWatch(bench.settings, "l-")
    producer = EventProducer(bench.settings, "benchmarks.latency")
    sent_at: dict[str, float] = {}
    count = int(rate * seconds)
    with bench.approval(await bench.new_database()):
        await asyncio.sleep(5)  # let it work off the backlog of earlier measurements
        watching = asyncio.create_task(watch.until(count))
        sending = []
        started = perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - perf_counter()))
            commitment_id = f"l-{uuid4().hex[:16]}"
            message = (TOPIC, commitment_id, submission(commitment_id))
            sent_at[commitment_id] = perf_counter()
            sending.append(asyncio.create_task(producer.send([message])))
        await asyncio.gather(*sending)
        await asyncio.wait_for(watching, 60)
    await asyncio.to_thread(producer.close)
    watch.close()
    return [(watch.seen_at[each] - at) * 1000 for each, at in sent_at.items()]


async def measure(bench: Bench, wanted: Namespace) -> dict[str, float]:
    """Run all measurements and return their figures."""
    create_topics(bench.settings, TOPICS)
    print(f"Latency at {wanted.rate:.0f} events/s for {wanted.seconds:.0f} s", file=sys.stderr)
    cuts = quantiles(await latency_ms(bench, wanted.rate, wanted.seconds), n=100)
    print(f"Throughput over {wanted.events} events", file=sys.stderr)
    ours = await throughput(bench, wanted.events)
    print(f"Per-message loop over {wanted.peer_events} events", file=sys.stderr)
    peer = await per_message_rate(bench.settings, await bench.new_database(), TOPIC, wanted.peer_events)
    return {
        "events_per_second": round(ours),
        "per_message_events_per_second": round(peer),
        "ratio": round(ours / peer, 1),
        "latency_p50_ms": round(cuts[49], 1),
        "latency_p99_ms": round(cuts[98], 1),
    }


def main() -> None:
    """Start the servers, measure, and print the figures as JSON."""
    parser = ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=30_000, help="submissions in the backlog")
    parser.add_argument("--peer-events", type=int, default=2_000, help="submissions for the per-message loop")
    parser.add_argument("--rate", type=float, default=200, help="events a second for the latency")
    parser.add_argument("--seconds", type=float, default=20, help="how long the latency is measured")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        kafka, postgres = stack.enter_context(LocalKafka()), stack.enter_context(LocalPostgres())
        figures = asyncio.run(measure(Bench(kafka, postgres), wanted))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
