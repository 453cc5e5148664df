"""The local Kafka and PostgreSQL: killed, restarted, restored, and gone with the process that started them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.servers import LocalKafka, LocalPostgres
from tests.kafka import KafkaUnderTest
from tests.waiting import eventually

# Starts both servers from the threads of a pool that then ends, as the demo does.
PARENT = """
import concurrent.futures, time
from sandbox.servers import LocalKafka, LocalPostgres
servers = [LocalKafka(), LocalPostgres()]
with concurrent.futures.ThreadPoolExecutor() as pool:
    list(pool.map(lambda server: server.start(), servers))
for server in servers:
    print(server.pid, server.folder, flush=True)
time.sleep(300)
"""


async def rows(url: str, statement: str) -> list[object]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        answer = await connection.exec_driver_sql(statement)
        return list(answer.scalars()) if answer.returns_rows else []


def send(bootstrap_servers: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def receive(bootstrap_servers: str, topic: str, group: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    received: list[bytes] = []
    deadline = time.monotonic() + 60
    while len(received) < count and time.monotonic() < deadline:
        received += [message.value() for message in consumer.consume(500, 0.5) if not message.error()]
    consumer.close()
    return received


def create_topic(bootstrap_servers: str, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap_servers})
    for created in client.create_topics([NewTopic(topic, 1)]).values():
        created.result(30)


def is_alive(pid: int) -> bool:
    """Zombies count as dead: in a container there may be nobody to reap them."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_the_kafka_of_the_tests_carries_a_thousand_messages(kafka: KafkaUnderTest, unique_suffix: str) -> None:
    topic, values = f"messages-{unique_suffix}", [b"%d" % number for number in range(1000)]
    create_topic(kafka.bootstrap_servers, topic)

    send(kafka.bootstrap_servers, topic, values)

    assert receive(kafka.bootstrap_servers, topic, f"readers-{unique_suffix}", 1000) == values


def test_a_killed_broker_restarts_at_the_same_address_with_its_messages(
    local_kafka: Callable[[], LocalKafka],
) -> None:
    broker = local_kafka()
    address = broker.bootstrap_servers
    create_topic(address, "messages")
    send(address, "messages", [b"before"])

    broker.kill()
    assert broker.pid is None
    broker.start()

    assert broker.bootstrap_servers == address
    assert receive(address, "messages", "readers", 1) == [b"before"]


def test_a_broker_maps_its_classes_from_an_archive(local_kafka: Callable[[], LocalKafka]) -> None:
    assert "/classes.jsa" in Path(f"/proc/{local_kafka().pid}/maps").read_text()


async def test_a_killed_database_restarts_with_every_committed_row(
    local_postgres: Callable[[], LocalPostgres],
) -> None:
    server = local_postgres()
    url = server.create_database("books")
    await rows(url, "create table entry as select 7 as amount")

    server.kill()
    server.start()

    assert await rows(url, "select amount from entry") == [7]


async def test_killing_a_database_ends_its_busy_sessions(
    local_postgres: Callable[[], LocalPostgres],
) -> None:
    server = local_postgres()
    busy = asyncio.create_task(rows(server.url, "do $$ begin loop perform 1; end loop; end $$"))
    sessions: list[object] = []
    while not sessions:
        sessions = await rows(server.url, "select pid from pg_stat_activity where query like 'do %'")

    await asyncio.to_thread(server.kill)

    assert not any(is_alive(int(str(session))) for session in sessions)
    with pytest.raises(DBAPIError, match="connection was closed"):
        await busy


async def test_a_paused_database_answers_nothing_and_its_sessions_go_on_afterwards(
    local_postgres: Callable[[], LocalPostgres],
) -> None:
    server = local_postgres()
    engine = create_async_engine(server.url, poolclass=NullPool)
    async with engine.connect() as session:
        before = await session.scalar(text("select pg_backend_pid()"))
        with server.paused():
            answer = asyncio.create_task(session.scalar(text("select pg_backend_pid()")))
            assert not await asyncio.to_thread(server.is_ready)
            assert not answer.done()

        assert await answer == before


def test_only_a_server_that_runs_can_be_paused() -> None:
    server = LocalPostgres()
    with pytest.raises(ValueError, match="does not run"), server.paused():
        pass
    server.close()


async def test_a_restored_database_has_lost_what_was_written_after_the_backup(
    local_postgres: Callable[[], LocalPostgres], tmp_path: Path
) -> None:
    server = local_postgres()
    url = server.create_database("books")
    await rows(url, "create table entry as select 1 as number")
    server.backup(tmp_path / "monday")
    await rows(url, "insert into entry values (2)")

    server.restore(tmp_path / "monday")

    assert await rows(url, "select number from entry") == [1]


async def test_a_dump_is_restored_although_somebody_writes_as_soon_as_there_is_a_table(
    local_postgres: Callable[[], LocalPostgres], tmp_path: Path
) -> None:
    server = local_postgres()
    url, is_restored = server.create_database("books"), asyncio.Event()
    await rows(url, "create table entry (number int primary key)")
    await rows(url, "insert into entry select generate_series(1, 300000)")
    server.dump("books", tmp_path / "books.dump")

    async def write() -> None:
        while not is_restored.is_set():
            with suppress(DBAPIError, OSError):
                await rows(url, "insert into entry values (1)")

    writing = asyncio.create_task(write())
    await asyncio.to_thread(server.restore_dump, "books", tmp_path / "books.dump")
    is_restored.set()
    await writing
    assert await rows(url, "select count(*) from entry") == [300000]


async def test_the_database_is_a_durable_postgresql_18(local_postgres: Callable[[], LocalPostgres]) -> None:
    url = local_postgres().url

    assert await rows(url, "show fsync") == ["on"]
    assert await rows(url, "select current_setting('server_version_num')::int / 10000") == [18]


async def test_the_database_refuses_a_wrong_password(local_postgres: Callable[[], LocalPostgres]) -> None:
    stranger = make_url(local_postgres().url).set(password="guessed")

    with pytest.raises(Exception, match="password authentication failed"):
        await rows(stranger.render_as_string(hide_password=False), "select 1")


def test_the_database_never_runs_as_root(local_postgres: Callable[[], LocalPostgres]) -> None:
    assert Path(f"/proc/{local_postgres().pid}").stat().st_uid != 0


async def test_each_test_has_a_database_of_its_own(database_url: str, unique_suffix: str) -> None:
    assert await rows(database_url, "select current_database()::text") == [f"test_{unique_suffix}"]


def test_a_server_reports_what_takes_time_and_leaves_nothing_behind() -> None:
    reported: list[str] = []

    with LocalPostgres(report=reported.append) as server:
        folder = server.folder

    assert reported == ["Starting PostgreSQL 18"]
    assert not folder.exists()


def test_neither_server_outlives_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = [parent.stdout.readline().split() for _ in range(2)]
        pids, folders = [int(pid) for pid, _ in lines], [Path(folder) for _, folder in lines]
        assert all(is_alive(pid) for pid in pids)

        parent.send_signal(signal.SIGKILL)

    asyncio.run(eventually(lambda: not any(is_alive(pid) for pid in pids)))
    asyncio.run(eventually(lambda: not any(folder.exists() for folder in folders)))
