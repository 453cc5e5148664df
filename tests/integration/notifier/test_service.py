"""The notifier as a process on a real Kafka, killed between sending a mail and recording the answer."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from httpx2 import AsyncClient
from sqlalchemy import func, select, update

from sandbox.mailbox import Mailbox
from sandbox.servers import LocalKafka
from sandbox.serving import listen, port_of
from schemas.envelope import encode
from schemas.topics import TOPICS
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.storage.tables import KERNEL, MAIL
from services.pipeline.broker import EventProducer, create_topics
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.settings import KafkaSettings
from tests.unit.notifier.event_builders import SAM, event_of, rejected, rejections
from tests.waiting import eventually


class Process:
    """The notifier's process, with access to its metrics."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def metric(self, name: str) -> float | None:
        async with AsyncClient(base_url=self.url) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), None)


@pytest.fixture
def kafka(local_kafka: Callable[[], LocalKafka]) -> LocalKafka:
    """A broker of its own: the notifier must be killed by this test's mail, not by another test's."""
    return local_kafka()


@pytest.fixture
def environment(kafka: LocalKafka, database_url: str, mailbox: Mailbox) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")},
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": database_url,
        "SMTP_URL": mailbox.smtp_url,
        "MAIL_FROM": "Countersign <erp@desk.example>",
        "PUBLIC_URL": "https://desk.example",
        "COUNTERSIGN_SANDBOX": "1",
    }


@asynccontextmanager
async def running(environment: dict[str, str], **given: str) -> AsyncIterator[Process]:
    with listen(0) as free:
        port = port_of(free)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.notifier", env=environment | given | {"HTTP_PORT": str(port)}
    )
    try:
        yield Process(process, port)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def publish(kafka: LocalKafka, *events_data: MailData) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    await asyncio.to_thread(create_topics, settings, TOPICS)
    producer = EventProducer(settings, "tests")
    try:
        events = [(data.topic, data.subject, encode(event_of(data, utc_now()))) for data in events_data]
        assert await producer.send(events) == [None] * len(events)
    finally:
        await asyncio.to_thread(producer.close)


async def test_a_notifier_killed_before_it_recorded_the_answer_repeats_the_mail_and_counts_it(
    environment: dict[str, str], kafka: LocalKafka, mailbox: Mailbox, database: Database
) -> None:
    await publish(kafka, rejected(rejected().summary.model_copy(update={"creator": SAM})))
    async with running(environment, CRASH_AT="notifier.after_send") as killed:
        assert await killed.process.wait() == -signal.SIGKILL
    assert len(mailbox.messages) == 1

    async with database.begin() as db:
        await db.execute(update(MAIL).values(next_attempt_at=func.now()))  # as if the lease had expired
    async with running(environment) as second:

        async def is_sent_and_published() -> bool:
            async with database.begin() as db:
                settled = (await db.execute(select(MAIL.c.state))).scalars().all()
                waiting = (await db.execute(select(func.count()).select_from(KERNEL.outbox))).scalar_one()
            return settled == ["sent"] and waiting == 0

        await eventually(is_sent_and_published)
        assert await second.metric('mails_total{kind="rejected",outcome="repeated"}') == 1
        assert await second.metric('mails_total{kind="rejected",outcome="sent"}') == 1
    assert second.process.returncode == 0
    first, again = mailbox.to(SAM.email)
    assert first.source == again.source
    assert len(mailbox.messages) == 2


async def test_many_rejections_are_one_mail_though_a_notifier_is_killed_and_two_take_over(
    environment: dict[str, str], kafka: LocalKafka, mailbox: Mailbox, database: Database
) -> None:
    await publish(kafka, *rejections(25, summary=rejected().summary.model_copy(update={"creator": SAM})))
    async with running(environment, CRASH_AT="notifier.after_send") as killed:
        assert await killed.process.wait() == -signal.SIGKILL
    async with database.begin() as db:
        await db.execute(update(MAIL).values(next_attempt_at=func.now()))  # as if the lease had expired
    async with running(environment), running(environment):

        async def is_all_sent_and_published() -> bool:
            async with database.begin() as db:
                settled = (await db.execute(select(MAIL.c.state, func.count()).group_by(MAIL.c.state))).all()
                waiting = (await db.execute(select(func.count()).select_from(KERNEL.outbox))).scalar_one()
            return [tuple(row) for row in settled] == [("sent", 25)] and waiting == 0

        await eventually(is_all_sent_and_published)
    first, again = mailbox.to(SAM.email)
    assert first.source == again.source
    assert first.subject == "Rejected: 25 commitments (Riverside Tower)"
    assert len(mailbox.messages) == 2
