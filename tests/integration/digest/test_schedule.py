import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import partial

import orjson
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from schemas.events import DigestReady, DirectoryPerson, EventData
from schemas.fields import Status, ToolLevel
from schemas.links import read_unsubscribe
from services.digest.rules.recipients import DigestOutcome
from services.digest.schedule import Report, Schedule, digest_at
from services.digest.storage.tables import ITEM, KERNEL, PERSON
from services.pipeline.outbox import Outbox
from services.pipeline.periodic import every
from tests.calendar_checks import drop_calendar_checks
from tests.integration.digest.company_events import message
from tests.integration.digest.conftest import DigestUnderTest
from tests.integration.pipeline.topic_events import events_on
from tests.unit.digest.rules.samples import SINCE
from tests.waiting import eventually

MORNING = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)  # 06:00 in Chicago


async def receive(digest: DigestUnderTest, *data: EventData) -> None:
    await digest.settle(*map(message, data))


async def summaries(digest: DigestUnderTest) -> list[DigestReady]:
    """Return all summaries on the topic for this test's company."""
    events = await asyncio.to_thread(events_on, digest.settings, DigestReady.topic)
    found = [event.data for event in events if isinstance(event.data, DigestReady)]
    return [each for each in found if each.company_id == digest.company.id]


def environment_of(digest: DigestUnderTest) -> dict[str, str]:
    """The environment of a command that works on this test's digest."""
    return os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": digest.settings.kafka_bootstrap_servers,
        "DATABASE_URL": digest.settings.database_url.get_secret_value(),
        "PUBLIC_URL": digest.settings.public_url,
        "LINK_SECRET": digest.settings.link_secret.get_secret_value(),
    }


def outcomes(reports: list[Report]) -> dict[str, str]:
    return {report.name: str(report.outcome) for report in reports}


async def test_an_ordered_summary_is_sent_once_however_often_it_is_ordered(digest: DigestUnderTest) -> None:
    await receive(
        digest,
        digest.company.person("dana", 1),
        digest.company.status("SC-1", 1),
        digest.company.status("SC-2", 1, status=Status.FAILED, message="Number too long."),
        digest.company.status("SC-3", 1, status=Status.SYNCED),
        digest.company.status("SC-4", 1, status=Status.RETRIEVED),
    )
    assert outcomes(await digest_at(digest.settings, MORNING)) == {"Dana": "sent"}
    assert outcomes(await digest_at(digest.settings, MORNING + timedelta(hours=9))) == {"Dana": "already sent"}

    [summary] = await summaries(digest)
    assert summary.recipient.email == "dana@desk.example"
    assert (summary.local_date, summary.due_at) == (date(2026, 11, 17), MORNING)
    assert [row.summary.number for row in summary.waiting.rows] == ["SC-1"]
    assert summary.waiting.rows[0].url == f"https://desk.example/commitments/{digest.company.key('SC-1')}"
    assert [row.message for row in summary.failed.rows] == ["Number too long."]
    assert [row.summary.number for row in summary.yesterday.rows] == ["SC-3"]
    token = summary.unsubscribe_url.removeprefix("https://desk.example/u/")
    assert read_unsubscribe(digest.settings.link_secret, token) == (digest.company.id, digest.company.key("dana"))


async def test_the_report_says_why_somebody_gets_no_summary(digest: DigestUnderTest) -> None:
    await receive(
        digest,
        digest.company.person("viewer", 1, erp_tool=ToolLevel.READ_ONLY),
        digest.company.person("clerk", 1, can_push_to_accounting=False),
        digest.company.person("quiet", 1, digest_subscribed=False),
        digest.company.person("weary", 1),
        digest.company.preference("weary", 1, subscribed=False),
        digest.company.person("stranger", 1, erp_tool=ToolLevel.NONE),
        digest.company.person("elsewhere", 1, company_id="idle-company"),
        digest.company.status("SC-1", 1),
    )
    assert outcomes(await digest_at(digest.settings, MORNING)) == {
        "Viewer": "not an approver",
        "Clerk": "not an approver",
        "Quiet": "unsubscribed",
        "Weary": "unsubscribed",
        "Elsewhere": "nothing waits",
    }
    assert await summaries(digest) == []


async def test_a_removed_person_gets_no_summary(digest: DigestUnderTest) -> None:
    await receive(digest, digest.company.person("dana", 1), digest.company.status("SC-1", 1))
    await digest.settle((DirectoryPerson.topic, digest.company.key("dana"), None))
    assert await digest_at(digest.settings, MORNING) == []


async def test_what_arrives_after_the_due_time_is_in_the_next_mornings_summary(digest: DigestUnderTest) -> None:
    await receive(digest, digest.company.person("dana", 1), digest.company.status("SC-1", 1))
    schedule = Schedule(digest.database, Outbox(KERNEL), digest.settings)
    same_day = SINCE + timedelta(hours=1)  # 10:02 in Chicago, four hours after that day's summary was due
    assert outcomes(await schedule.build_digests(same_day)) == {"Dana": "nothing waits"}
    assert outcomes(await schedule.build_digests(MORNING)) == {"Dana": "sent"}
    assert outcomes(await schedule.build_digests(MORNING + timedelta(hours=20))) == {"Dana": "already sent"}
    assert outcomes(await schedule.build_digests(MORNING + timedelta(days=5))) == {"Dana": "sent"}


async def test_several_instances_make_each_summary_once(digest: DigestUnderTest) -> None:
    await receive(
        digest,
        *(digest.company.person(f"dana{n}", 1) for n in range(5)),
        digest.company.status("SC-1", 1),
    )
    instances = [Schedule(digest.database, Outbox(KERNEL), digest.settings) for _ in range(3)]
    reports = await asyncio.gather(*(each.build_digests(MORNING) for each in instances))
    sent = [report.name for each in reports for report in each if report.outcome is DigestOutcome.SENT]
    assert sorted(sent) == [f"Dana{n}" for n in range(5)]
    async with digest.database.begin() as db:
        assert len(await Outbox(KERNEL).oldest(db, 100)) == 5


async def test_rows_that_cannot_be_read_are_left_out_with_an_alarm(digest: DigestUnderTest) -> None:
    company = digest.company
    await receive(
        digest,
        *(company.person(name, 1) for name in ("dana", "lee", "kim")),
        *(company.status(name, 1) for name in ("SC-1", "SC-2", "SC-3")),
    )
    await drop_calendar_checks(digest.database, "digest")
    async with digest.database.begin() as db:
        for name in ("lee", "kim"):
            await db.execute(update(PERSON).where(PERSON.c.id == company.key(name)).values(version=-1))
        await db.execute(update(ITEM).where(ITEM.c.id == company.key("SC-1")).values(summary="{}"))
        await db.execute(update(ITEM).where(ITEM.c.id == company.key("SC-2")).values(summary="no JSON"))
    schedule = Schedule(digest.database, Outbox(KERNEL), digest.settings)
    with capture_logs() as logs:
        assert outcomes(await schedule.build_digests(MORNING)) == {"Dana": "sent"}
        assert outcomes(await schedule.build_digests(MORNING)) == {"Dana": "already sent"}
    alarms = [(each["table"], each["key"]) for each in logs if each["event"] == "rows.unreadable"]
    odd = [("person", "kim"), ("person", "lee"), ("item", "SC-1"), ("item", "SC-2")]
    assert sorted(alarms) == sorted((f"digest.{table}", company.key(name)) for table, name in odd)
    async with digest.database.begin() as db:
        [made] = await Outbox(KERNEL).oldest(db, 10)
    rows = orjson.loads(made.value)["data"]["waiting"]["rows"]
    assert [row["commitment_id"] for row in rows] == [company.key("SC-3")]


async def test_a_report_as_json_is_all_that_is_on_stdout(digest: DigestUnderTest) -> None:
    await receive(digest, digest.company.person("dana", 1), digest.company.status("SC-1", 1))
    order = [sys.executable, "-m", "services.command", "digest", "--at", MORNING.isoformat(), "--json"]
    done = await asyncio.to_thread(
        subprocess.run, order, env=environment_of(digest), check=True, capture_output=True, timeout=120
    )
    assert [report["name"] for report in orjson.loads(done.stdout)] == ["Dana"]
    assert b"digest.made" in done.stderr


@pytest.mark.parametrize("point", ["digest.before_claim_commit", "digest.after_claim_commit"])
async def test_after_a_kill_the_next_order_sends_the_summary(digest: DigestUnderTest, point: str) -> None:
    await receive(digest, digest.company.person("dana", 1), digest.company.status("SC-1", 1))
    order = [sys.executable, "-m", "services.command", "digest", "--at", MORNING.isoformat()]
    environment = environment_of(digest)

    def give_order(**more: str) -> int:
        return subprocess.run(order, env=environment | more, check=False, capture_output=True, timeout=120).returncode

    assert await asyncio.to_thread(give_order, CRASH_AT=point, COUNTERSIGN_SANDBOX="1") == -signal.SIGKILL
    assert await summaries(digest) == []
    assert await asyncio.to_thread(give_order) == 0
    assert len(await summaries(digest)) == 1


async def test_the_schedule_makes_summaries_only_while_it_may(digest: DigestUnderTest) -> None:
    await receive(digest, digest.company.person("dana", 1), digest.company.status("SC-1", 1))
    outbox, stopping, answers = Outbox(KERNEL), asyncio.Event(), []

    def may_build() -> bool:
        answers.append(len(answers) >= 3)
        return answers[-1]

    schedule = Schedule(digest.database, outbox, digest.settings)
    running = asyncio.create_task(every(0.01, partial(schedule.build_due, may_build))(stopping))

    async def is_made() -> bool:
        async with digest.database.begin() as db:
            return (await outbox.backlog(db)).rows == 1

    await eventually(is_made)
    stopping.set()
    await running
    assert answers[:4] == [False, False, False, True]
