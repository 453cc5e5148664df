"""`countersign lag` and `countersign offsets` on a real Kafka and PostgreSQL, with a service that runs."""

import asyncio
import json
import os
import pwd
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from schemas.events import CommitmentRetrieved
from schemas.topics import TOPICS as ALL_TOPICS
from services.approval.aggregates import TOPICS
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.tables import KERNEL
from services.pipeline.broker import Brokers, EventProducer, create_topics
from services.pipeline.broker.brokers import Span
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from services.pipeline.errors import BrokerError
from services.pipeline.migrations import migrate
from services.pipeline.moving_offsets import OffsetDesk, plan_move
from services.pipeline.records import Partition
from services.pipeline.settings import KafkaSettings
from tests.integration.pipeline.counting_service import retrieve_event
from tests.integration.test_command import COUNTERSIGN, Ended, countersign, with_path
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

PLACE = Partition("commitment.retrieved", 0)


class Approval:
    """The saved offsets of an approval that does not run, on a real Kafka."""

    def __init__(self, kafka: KafkaUnderTest, url: str) -> None:
        self.settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
        self.database = Database(SecretStr(url), application_name="tests")
        self.environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "DATABASE_URL": url}

    async def has_read_everything(self) -> None:
        """Save the ends of all topics, as if approval had read them."""
        spans: dict[Partition, Span] = {}

        async def are_known() -> bool:
            with suppress(BrokerError):  # partitions of a new topic have no leader for a moment
                spans.update(await Brokers(self.settings).spans(TOPICS))
            return bool(spans)

        await eventually(are_known)
        rows = [{"topic": p.topic, "partition": p.number, "next_offset": span.high} for p, span in spans.items()]
        async with self.database.begin() as db:
            await insert_many(db, KERNEL.consumer_offset, rows)

    async def save(self, partition: Partition, offset: int) -> None:
        c = KERNEL.consumer_offset.c
        is_there = (c.topic == partition.topic) & (c.partition == partition.number)
        async with self.database.begin() as db:
            await db.execute(update(KERNEL.consumer_offset).where(is_there).values(next_offset=offset))

    async def saved(self) -> Mapping[Partition, int]:
        async with self.database.begin() as db:
            rows = await db.execute(select(KERNEL.consumer_offset))
            return {Partition(row.topic, row.partition): row.next_offset for row in rows}

    async def run(self, *arguments: str, stdin: bytes = b"") -> Ended:
        return await asyncio.to_thread(countersign, self.environment, *arguments, stdin=stdin)


async def publish(settings: KafkaSettings, key: str, count: int) -> None:
    producer = EventProducer(settings, "tests")
    messages = [(CommitmentRetrieved.topic, key, retrieve_event(key, revision)) for revision in range(1, count + 1)]
    assert await producer.send(messages) == [None] * count
    await asyncio.to_thread(producer.close)


@pytest.fixture
async def approval(kafka: KafkaUnderTest, database_url: str) -> AsyncIterator[Approval]:
    made = Approval(kafka, database_url)
    await asyncio.to_thread(create_topics, made.settings, ALL_TOPICS)
    await migrate(SecretStr(database_url), MIGRATIONS)
    await made.has_read_everything()
    yield made
    await made.database.close()


async def test_lag_says_how_far_a_service_is_behind_since_when_and_that_nobody_reads(
    approval: Approval, unique_suffix: str
) -> None:
    await publish(approval.settings, unique_suffix, 3)

    told = await approval.run("lag", "approval")
    plain = (await approval.run("lag", "approval", "--json")).result["services"][0]
    fine = await approval.run("lag", "approval", "--max", "1000000", "--max-age", "1d")
    beyond = await approval.run("lag", "approval", "--max", "2")

    assert told.stdout.startswith("approval is 3 messages behind (3 on commitment.retrieved), the oldest ")
    assert "its group has no member" in told.stdout.splitlines()[0]
    [behind] = [each for each in plain["partitions"] if each["behind"]]
    assert (behind["topic"], behind["behind"], behind["end"] - behind["saved"]) == ("commitment.retrieved", 3, 3)
    assert 0 <= behind["oldest_age_seconds"] < 60
    assert len(plain["partitions"]) == 12 * len(TOPICS)
    assert (fine.status, beyond.status) == (0, 1)
    assert "approval: 3 messages behind" in beyond.stderr


async def watching_lag(environment: Mapping[str, str]) -> Process:
    """Start the command as a terminal does: one of a job in the background would ignore Ctrl-C, as that job does."""
    arguments = (COUNTERSIGN, "lag", "approval", "--watch", "1", "--json")
    return await asyncio.create_subprocess_exec(
        *arguments,
        env=with_path(environment),
        stdout=PIPE,
        stderr=PIPE,
        limit=2**20,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def test_lag_is_watched_until_ctrl_c_also_while_a_database_is_away(approval: Approval) -> None:
    away = approval.environment | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    watching, blind = await watching_lag(approval.environment), await watching_lag(away)
    assert watching.stdout is not None
    assert blind.stderr is not None

    seen = [json.loads(await watching.stdout.readline()) for _ in range(2)]
    said = [await blind.stderr.readline() for _ in range(2)]
    for process in (watching, blind):
        process.send_signal(signal.SIGINT)
    told, (rest, _) = await watching.communicate(), await blind.communicate()

    assert [each["services"][0]["service"] for each in seen] == ["approval"] * 2
    assert seen[0]["at"] < seen[1]["at"]
    assert all(b" UTC: PostgreSQL refused, or cannot be reached" in line for line in said)
    assert (watching.returncode, told[1], blind.returncode, rest) == (0, b"", 0, b"")


async def test_an_offset_out_of_range_is_listed_and_decided_with_a_reason_that_stays(
    approval: Approval, unique_suffix: str
) -> None:
    await publish(approval.settings, unique_suffix, 1)
    await approval.save(PLACE, 10_000_000)

    listed = (await approval.run("offsets", "list", "approval", "--out-of-range", "--json")).result
    dry = await approval.run("offsets", "set", "approval", "--out-of-range", "--to", "beginning", "--dry-run", "--json")
    silent = await approval.run("offsets", "set", "approval", "--out-of-range", "--to", "beginning", "--yes")
    reason = ("--because", "Kafka was reinstalled")
    unsure = await approval.run(
        "offsets", "set", "approval", "--out-of-range", "--to", "beginning", *reason, stdin=b"n\n"
    )
    before = await approval.saved()
    done = await approval.run(
        "offsets", "set", "approval", "--out-of-range", "--to", "beginning", *reason, "--yes", "--json"
    )
    again = await approval.run("offsets", "set", "approval", "--out-of-range", "--to", "beginning", *reason, "--yes")
    history = (await approval.run("offsets", "history", "approval", "--json")).result

    assert [(row["partition"], row["saved"]) for row in listed] == [("commitment.retrieved/0", 10_000_000)]
    assert (dry.result["set"], [row["partition"] for row in dry.result["partitions"]]) == (
        False,
        ["commitment.retrieved/0"],
    )
    assert (silent.status, 'Say why with --because "TEXT"' in silent.stderr) == (2, True)
    assert (unsure.status, "Set 1 offset of approval?" in unsure.stderr) == (1, True)
    assert before[PLACE] == 10_000_000
    assert done.result["set"] is True
    assert PLACE not in await approval.saved()
    assert "Nothing to do" in again.stderr
    [change] = history
    assert (change["from"], change["to"], change["reason"], change["by"]) == (
        10_000_000,
        0,
        "Kafka was reinstalled",
        pwd.getpwuid(os.getuid()).pw_name,
    )


async def test_what_is_skipped_has_to_be_consented_to_in_numbers(approval: Approval, unique_suffix: str) -> None:
    await publish(approval.settings, unique_suffix, 3)
    behind = (await approval.run("lag", "approval", "--json")).result["services"][0]["partitions"]
    [place] = [f"{each['topic']}/{each['partition']}" for each in behind if each["behind"]]
    to_end = ("offsets", "set", "approval", place, "--to", "end", "--because", "only tests", "--yes")

    refused = await approval.run(*to_end)
    too_few = await approval.run(*to_end, "--skipping", "2")
    skipped = await approval.run(*to_end, "--skipping", "3", "--json")
    [change] = (await approval.run("offsets", "history", "--json", "approval")).result

    assert (refused.status, "This skips up to 3 messages" in refused.stderr) == (1, True)
    assert "add --skipping 3" in too_few.stderr
    [row] = skipped.result["partitions"]
    assert (row["skipped"], row["read_again"], row["since"] <= row["until"]) == (3, 0, True)
    assert change["skipped"] == 3


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("approval", "commitment.sent/12", "--to", "end"), 1, "reads no partition 'commitment.sent/12'"),
        (("approval", "digest.ready", "--to", "end"), 1, "reads no partition 'digest.ready'. Its topics: commitment"),
        (("approval", "commitment.sent/0", "--to", "999999999"), 1, "commitment.sent/0 ends at"),
        (("digest", "directory.person/0", "--to", "end"), 1, "kafka-consumer-groups.sh --reset-offsets"),
        (("approval", "--to", "end"), 2, "or --out-of-range"),
        (("approval", "commitment.sent/0", "--to", "middle"), 2, "is beginning, end, or an offset"),
        (("approval", "commitment.sent/0", "--to", "-1"), 2, "is beginning, end, or an offset"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    approval: Approval, arguments: tuple[str, ...], status: int, words: str
) -> None:
    refused = await approval.run("offsets", "set", *arguments, "--because", "x", "--yes")
    assert (refused.status, words in refused.stderr, refused.stdout) == (status, True, "")


async def test_an_offset_that_moves_meanwhile_is_not_set_and_nothing_else_either(approval: Approval) -> None:
    spans = await Brokers(approval.settings).spans([PLACE.topic])
    saved = await approval.saved()
    moves = [plan_move(each, 5_000 + span.high, span, "beginning") for each, span in sorted(spans.items())[:2]]
    other = plan_move(PLACE, saved[PLACE] + 1, spans[PLACE], spans[PLACE].high)
    with pytest.raises(Exception, match="has moved meanwhile, so nothing was changed"):
        async with approval.database.begin() as db:
            await OffsetDesk(KERNEL).apply(db, [*moves, other], "me", "why")
    assert await approval.saved() == saved
