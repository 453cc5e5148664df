"""Running services whom Kafka refuses say so in one line, are not ready, and go on by themselves once they may."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr
from sqlalchemy import func, select

from sandbox.service_process import ServiceProcess
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.digest.storage.tables import ITEM
from services.kafka_access.roles import roles
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.broker import EventProducer
from services.pipeline.broker.acls import AccessControl
from services.pipeline.database import Database
from services.pipeline.kafka_rights import Operation, Resource, Right, entry_of, group_of
from services.pipeline.migrations import migrate
from tests.integration.digest.company_events import CompanyEvents, message
from tests.secured_kafka import ADMIN, SecuredKafka, principal_of
from tests.waiting import eventually

READ = {"notifier": "digest.ready", "digest": "commitment.status"}
SERVICES = tuple(READ)
TRACEBACK = '"exception": '
MENDED_WITHIN_SECONDS = 120.0
"""Faust may wait for a minute for a group that it may not join."""


@pytest.fixture
async def environment(database_url: str) -> dict[str, str]:
    """Variables of both services, on a database with the tables of both."""
    for migrations in (NOTIFIER, DIGEST):
        await migrate(SecretStr(database_url), migrations)
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "http://localhost:8080",
        "LINK_SECRET": "sixteen characters",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "erp@desk.example",
    }


@pytest.fixture
def services() -> tuple[str, ...]:
    """Those that a test runs."""
    return SERVICES


@pytest.fixture
def processes(
    secured: SecuredKafka, environment: dict[str, str], services: tuple[str, ...]
) -> Iterator[dict[str, ServiceProcess]]:
    """One process of each of `services`, with the rights of its role, not started yet."""
    with ExitStack() as stack:
        made = {name: ServiceProcess(name, environment | secured.access(name)) for name in services}
        for process in made.values():
            stack.callback(process.close)
        yield made


async def start(processes: dict[str, ServiceProcess]) -> None:
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes.values()))


async def are_ready(processes: dict[str, ServiceProcess], *, expected: bool) -> None:
    async def have_become() -> bool:
        answers = await asyncio.gather(*(asyncio.to_thread(each.is_ready) for each in processes.values()))
        return all(answer is expected for answer in answers)

    await eventually(have_become, MENDED_WITHIN_SECONDS)


@asynccontextmanager
async def revoked(secured: SecuredKafka, *rights: tuple[str, Right]) -> AsyncIterator[None]:
    """Each (role, right) is taken away while the block runs."""
    control = AccessControl(secured.settings(ADMIN))
    entries = [entry_of(principal_of(role), right) for role, right in rights]
    control.remove(entries)
    try:
        yield
    finally:
        control.add(entries)


def lines_of(log: Path, event: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if f'"{event}"' in line]


def tracebacks(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if TRACEBACK in line]


async def test_a_wrong_password_is_told_once_and_mended_on_the_broker(
    secured: SecuredKafka, processes: dict[str, ServiceProcess]
) -> None:
    for process in processes.values():
        process.environment["KAFKA_SASL_PASSWORD"] = "not yet theirs"
        process.prepare_data()
        process.launch()
    await eventually(lambda: all(lines_of(each.log, "brokers.away") for each in processes.values()))
    await are_ready(processes, expected=False)
    for process in processes.values():
        [line] = lines_of(process.log, "brokers.away")
        assert "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM" in line
        assert tracebacks(process.log) == []
        assert "not yet theirs" not in process.log.read_text()

    for name in SERVICES:
        set_password(secured, name, "not yet theirs")
    try:
        await are_ready(processes, expected=True)
    finally:
        for name in SERVICES:
            set_password(secured, name, secured.passwords[name])


async def test_a_topic_that_was_taken_away_is_read_on_once_it_is_given_back(
    secured: SecuredKafka, processes: dict[str, ServiceProcess], database_url: str, unique_suffix: str
) -> None:
    company = CompanyEvents(unique_suffix)
    await start(processes)
    async with revoked(secured, *((name, Right(Resource.TOPIC, READ[name], Operation.READ)) for name in SERVICES)):
        await are_ready(processes, expected=False)
        for name, process in processes.items():
            await eventually(lambda process=process: bool(lines_of(process.log, "brokers.topic_unreadable")))
            assert READ[name] in lines_of(process.log, "brokers.topic_unreadable")[0]
        await eventually(lambda: bool(lines_of(processes["digest"].log, "projection.renewed")))
        assert "Faust crashed: TopicAuth" in lines_of(processes["digest"].log, "projection.renewed")[0]
        assert [line for process in processes.values() for line in tracebacks(process.log)] == []
    await publish(secured, message(company.status("SC-1", 1)))
    await are_ready(processes, expected=True)
    await eventually(lambda: has_stored(database_url, company.key("SC-1")))


@pytest.mark.parametrize("services", [("notifier",)])
async def test_a_process_whose_group_was_taken_away_ends_and_waits_for_it_when_started_again(
    secured: SecuredKafka, processes: dict[str, ServiceProcess]
) -> None:
    """Librdkafka cannot go on with the protocol `consumer`, and says so by a code only."""
    await start(processes)
    notifier = processes["notifier"]
    async with revoked(secured, ("notifier", Right(Resource.GROUP, group_of("notifier"), Operation.READ))):
        assert await asyncio.to_thread(notifier.ends_within, 30)
        assert notifier.exit_status == 1
        notifier.launch()
        await eventually(lambda: bool(lines_of(notifier.log, "consumer.refused")))
        assert group_of("notifier") in lines_of(notifier.log, "consumer.refused")[0]
        assert not await asyncio.to_thread(notifier.is_ready)
    await are_ready(processes, expected=True)


def set_password(secured: SecuredKafka, user: str, password: str) -> None:
    """Change what the broker knows, as an administrator."""
    admin = AdminClient(secured.settings(ADMIN).client_config())
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    for answer in admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(user, how, password.encode())]
    ).values():
        answer.result(15)


async def publish(secured: SecuredKafka, event: tuple[str, str, bytes | None]) -> None:
    producer = EventProducer(secured.settings("approval"), "tests")
    assert await producer.send([event]) == [None]
    await asyncio.to_thread(producer.close)


async def has_stored(database_url: str, key: str) -> bool:
    database = Database(SecretStr(database_url), application_name="tests")
    async with database.begin() as db:
        found = await db.execute(select(func.count()).select_from(ITEM).where(ITEM.c.id == key))
    await database.close()
    return bool(found.scalar())


def test_the_services_read_what_the_tests_take_away() -> None:
    by_name = {role.name: role.rights for role in roles()}
    assert all(Right(Resource.TOPIC, READ[name], Operation.READ) in by_name[name] for name in SERVICES)
