import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from schemas.envelope import decode
from schemas.events import DigestReady, DirectoryPerson, EventData
from schemas.fields import Status, ToolLevel
from schemas.links import read_unsubscribe
from services.digest.facts import Facts
from services.digest.rules.summary import Outcome
from services.digest.schedule import Report, Schedule, digest_at
from services.digest.storage.tables import KERNEL
from services.pipeline.broker import TopicReader
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from services.pipeline.records import Partition, Record
from tests.integration.digest.company import SINCE, Message, message
from tests.integration.digest.conftest import Bench
from tests.waiting import eventually

MORNING = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago


async def know(bench: Bench, *told: EventData) -> None:
    """Project events without Kafka."""
    await project(bench, *(message(data) for data in told))


async def project(bench: Bench, *messages: Message) -> None:
    records = [
        Record(Partition(topic, 0), offset, key.encode(), value, (), SINCE)
        for offset, (topic, key, value) in enumerate(messages)
    ]
    await Facts(bench.database).settle(records)


async def summaries(bench: Bench) -> list[DigestReady]:
    """All summaries on the topic for this test's company."""

    def read() -> list[DigestReady]:
        reader = TopicReader(bench.settings, [DigestReady.topic])
        ends, found = reader.ends(), []
        while not reader.has_reached(ends):
            found += [decode(r.partition.topic, r.key, r.value, r.headers, r.at).data for r in reader.read()]
        reader.close()
        return [each for each in found if isinstance(each, DigestReady) and each.company_id == bench.company.id]

    return await asyncio.to_thread(read)


def outcomes(reports: list[Report]) -> dict[str, str]:
    return {report.name: str(report.outcome) for report in reports}


async def test_an_order_is_sent_once_however_often_it_is_given(bench: Bench) -> None:
    await know(
        bench,
        bench.company.person("dana", 1),
        bench.company.status("SC-1", 1),
        bench.company.status("SC-2", 1, status=Status.FAILED, message="Number too long."),
        bench.company.status("SC-3", 1, status=Status.SYNCED),
        bench.company.status("SC-4", 1, status=Status.RETRIEVED),
    )
    assert outcomes(await digest_at(bench.settings, MORNING)) == {"Dana": "sent"}
    assert outcomes(await digest_at(bench.settings, MORNING + timedelta(hours=9))) == {"Dana": "already sent"}

    [summary] = await summaries(bench)
    assert summary.recipient.email == "dana@desk.example"
    assert (summary.local_date, summary.due_at) == (date(2026, 11, 17), MORNING)
    assert [row.summary.number for row in summary.waiting.rows] == ["SC-1"]
    assert summary.waiting.rows[0].url == f"https://desk.example/commitments/{bench.company.key('SC-1')}"
    assert [row.message for row in summary.failed.rows] == ["Number too long."]
    assert [row.summary.number for row in summary.yesterday.rows] == ["SC-3"]
    token = summary.unsubscribe_url.removeprefix("https://desk.example/u/")
    assert read_unsubscribe(bench.settings.link_secret, token) == (bench.company.id, bench.company.key("dana"))


async def test_the_report_says_why_somebody_gets_none(bench: Bench) -> None:
    await know(
        bench,
        bench.company.person("viewer", 1, erp_tool=ToolLevel.READ_ONLY),
        bench.company.person("clerk", 1, can_push_to_accounting=False),
        bench.company.person("quiet", 1, digest_subscribed=False),
        bench.company.person("weary", 1),
        bench.company.preference("weary", 1, subscribed=False),
        bench.company.person("stranger", 1, erp_tool=ToolLevel.NONE),
        bench.company.person("elsewhere", 1, company_id="idle-company"),
        bench.company.status("SC-1", 1),
    )
    assert outcomes(await digest_at(bench.settings, MORNING)) == {
        "Viewer": "not an approver",
        "Clerk": "not an approver",
        "Quiet": "unsubscribed",
        "Weary": "unsubscribed",
        "Elsewhere": "nothing waits",
    }
    assert await summaries(bench) == []


async def test_a_removed_person_gets_none(bench: Bench) -> None:
    await know(bench, bench.company.person("dana", 1), bench.company.status("SC-1", 1))
    await project(bench, (DirectoryPerson.topic, bench.company.key("dana"), None))
    assert await digest_at(bench.settings, MORNING) == []


async def test_what_came_after_the_due_time_is_told_the_next_morning(bench: Bench) -> None:
    await know(bench, bench.company.person("dana", 1), bench.company.status("SC-1", 1))
    schedule = Schedule(bench.database, Outbox(KERNEL), bench.settings)
    same_day = SINCE + timedelta(hours=1)  # 10:02 in Chicago, four hours after that day's summary was due
    assert outcomes(await schedule.build_digests(same_day)) == {"Dana": "nothing waits"}
    assert outcomes(await schedule.build_digests(MORNING)) == {"Dana": "sent"}
    assert outcomes(await schedule.build_digests(MORNING + timedelta(hours=20))) == {"Dana": "already sent"}
    assert outcomes(await schedule.build_digests(MORNING + timedelta(days=5))) == {"Dana": "sent"}


async def test_of_two_instances_one_makes_the_summary(bench: Bench) -> None:
    await know(
        bench,
        *(bench.company.person(f"dana{n}", 1) for n in range(5)),
        bench.company.status("SC-1", 1),
    )
    instances = [Schedule(bench.database, Outbox(KERNEL), bench.settings) for _ in range(3)]
    reports = await asyncio.gather(*(each.build_digests(MORNING) for each in instances))
    sent = [report.name for each in reports for report in each if report.outcome is Outcome.SENT]
    assert sorted(sent) == [f"Dana{n}" for n in range(5)]
    async with bench.database.begin() as db:
        assert len(await Outbox(KERNEL).oldest(db, 100)) == 5


@pytest.mark.parametrize("point", ["digest.before_claim_commit", "digest.after_claim_commit"])
async def test_a_killed_order_is_finished_by_the_next_one(bench: Bench, point: str) -> None:
    await know(bench, bench.company.person("dana", 1), bench.company.status("SC-1", 1))
    order = [sys.executable, "-m", "services.command", "digest", "--at", MORNING.isoformat()]
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": bench.settings.kafka_bootstrap_servers,
        "DATABASE_URL": bench.settings.database_url.get_secret_value(),
        "PUBLIC_URL": bench.settings.public_url,
        "LINK_SECRET": bench.settings.link_secret.get_secret_value(),
    }

    def give_order(**more: str) -> int:
        return subprocess.run(order, env=environment | more, check=False, capture_output=True, timeout=120).returncode

    assert await asyncio.to_thread(give_order, CRASH_AT=point, COUNTERSIGN_SANDBOX="1") == -signal.SIGKILL
    assert await summaries(bench) == []
    assert await asyncio.to_thread(give_order) == 0
    assert len(await summaries(bench)) == 1


async def test_the_schedule_runs_until_it_is_told_to_stop_and_only_while_it_may(bench: Bench) -> None:
    await know(bench, bench.company.person("dana", 1), bench.company.status("SC-1", 1))
    outbox, stopping, answers = Outbox(KERNEL), asyncio.Event(), []

    def may_build() -> bool:
        answers.append(len(answers) >= 3)
        return answers[-1]

    schedule = Schedule(bench.database, outbox, bench.settings)
    running = asyncio.create_task(every(0.01, partial(schedule.build_due, may_build))(stopping))

    async def is_made() -> bool:
        async with bench.database.begin() as db:
            return (await outbox.backlog(db))[0] == 1

    await eventually(is_made)
    stopping.set()
    await running
    assert answers[:4] == [False, False, False, True]
