"""Existing topics are brought up to date, and a service says which of its topics keep less than was promised."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from prometheus_client import REGISTRY
from sqlalchemy import insert
from structlog.testing import capture_logs

from sandbox.servers import LocalKafka
from schemas.events import DigestReady
from schemas.topics import BY_NAME, TOPICS
from services.approval import handlers as approval
from services.digest import handlers as digest
from services.exporter import handlers as exporter
from services.notifier import handlers as notifier
from services.pipeline.broker import (
    TopicFindings,
    create_topics,
    describing,
    find_wrong_settings,
    find_wrong_settings_apart,
)
from services.pipeline.broker.brokers import Span
from services.pipeline.errors import BrokerError
from services.pipeline.moving_offsets import BEGINNING, OffsetDesk, plan_move
from services.pipeline.operations import bring_topics_up_to_date
from services.pipeline.records import Partition
from services.pipeline.settings import KafkaSettings
from services.pipeline.topic_check import TopicCheck
from tests.integration.pipeline.counting_service import CountingService
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.kafka import KafkaUnderTest
from tests.waiting import POLL_SECONDS, eventually

DAY_MS = str(24 * 60 * 60 * 1000)
EARLIER = {
    ("directory.person", "delete.retention.ms"): DAY_MS,
    ("commitment.sent", "retention.ms"): DAY_MS,
    ("commitment.status", "cleanup.policy"): "compact,delete",
}
RAISED = {
    ("commitment.resent", "retention.ms"): "-1",
    ("digest.preference", "delete.retention.ms"): str(30 * int(DAY_MS)),
    ("commitment.sent", "segment.ms"): "600000",
}


def resource(topic: str, entries: list[ConfigEntry] | None = None) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)


def set_settings(settings: KafkaSettings, given: Mapping[tuple[str, str], str]) -> None:
    admin = AdminClient(settings.client_config())
    for (topic, name), value in given.items():
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for answer in admin.incremental_alter_configs([resource(topic, [entry])]).values():
            answer.result(15)


def setting(settings: KafkaSettings, topic: str, name: str) -> Any:
    admin = AdminClient(settings.client_config())
    [answer] = admin.describe_configs([resource(topic)]).values()
    return answer.result(15)[name].value


@pytest.fixture
async def topics(local_kafka: Callable[[], LocalKafka]) -> KafkaSettings:
    """A broker of this test's own, with topics as an earlier release and an operator left them."""
    broker = await asyncio.to_thread(local_kafka)
    settings = KafkaSettings(kafka_bootstrap_servers=broker.bootstrap_servers)
    create_topics(settings, TOPICS)
    given = EARLIER | RAISED
    set_settings(settings, given)
    await eventually(lambda: all(setting(settings, *key) == value for key, value in given.items()))
    return settings


def test_what_keeps_too_little_is_raised_once_and_what_an_operator_raised_stays(topics: KafkaSettings) -> None:
    first, again = bring_topics_up_to_date(topics), bring_topics_up_to_date(topics)

    assert {(each.topic, each.setting): each.value for each in first.changed} == EARLIER
    assert (first.created, len(first.existing)) == ([], len(TOPICS))
    assert again.changed == []
    assert {key: setting(topics, *key) for key in RAISED} == RAISED
    assert setting(topics, "directory.person", "delete.retention.ms") == str(15 * int(DAY_MS))


def test_new_topics_are_right_from_the_start(kafka: KafkaUnderTest) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    create_topics(settings, TOPICS)
    assert find_wrong_settings(settings, TOPICS, 15).wrong == []


@pytest.fixture
async def outbox(topics: KafkaSettings, database_url: str, unique_suffix: str) -> AsyncIterator[OutboxUnderTest]:
    """A service's tables, and its Kafka."""
    made = OutboxUnderTest(topics.kafka_bootstrap_servers, database_url, f"checking_{unique_suffix}")
    await made.create_tables()
    yield made
    await made.database.close()


def check_of(outbox: OutboxUnderTest, *topics: str, kafka: KafkaSettings | None = None) -> TopicCheck:
    return TopicCheck(outbox.name, kafka or outbox.kafka, outbox.database, outbox.tables, topics)


async def test_a_service_names_topic_setting_and_wanted_value_at_its_start(outbox: OutboxUnderTest) -> None:
    stopping = asyncio.Event()
    with capture_logs() as logs:
        checking = asyncio.create_task(check_of(outbox, "directory.person", "decision.accepted").run(stopping))
        await eventually(lambda: bool(logs))
        stopping.set()
        await checking
    wanted = BY_NAME["directory.person"].config["delete.retention.ms"]
    said = [{name: line[name] for name in ("event", "topic", "setting", "value", "wanted")} for line in logs]
    assert said == [
        {"event": "topics.setting_wrong", "topic": "directory.person", "setting": "delete.retention.ms"}
        | {"value": DAY_MS, "wanted": wanted}
    ]
    assert REGISTRY.get_sample_value("pipeline_topic_settings_wrong", {"service": outbox.name}) == 1


async def test_a_topic_that_was_made_anew_is_named_until_somebody_lets_it_be_read_from_its_beginning(
    outbox: OutboxUnderTest,
) -> None:
    """Of one topic an offset was saved; nothing is lost in the other."""
    read, unread = "commitment.sent", "commitment.resent"
    partition = Partition(read, 0)
    async with outbox.database.begin() as db:
        await db.execute(insert(outbox.tables.consumer_offset).values(topic=read, partition=0, next_offset=3))
    check, labels = check_of(outbox, read, unread), {"service": outbox.name}
    with capture_logs() as logs:
        await check._check()
        await asyncio.to_thread(make_anew, outbox.kafka, read, unread)
        for _ in range(2):
            await check._check()
        assert REGISTRY.get_sample_value("pipeline_topics_made_anew", labels) == 1

        async with outbox.database.begin() as db:
            move = plan_move(partition, 3, Span(0, 5), BEGINNING)
            await OffsetDesk(outbox.tables).apply(db, [move], "olga", "it was made anew")
        await check._check()
    assert REGISTRY.get_sample_value("pipeline_topics_made_anew", labels) == 0
    said = [(line["topic"], line["remedy"]) for line in logs if line["event"] == "topics.made_anew"]
    assert said == [(read, f"countersign offsets set {outbox.name} {read} --to beginning")]


def make_anew(settings: KafkaSettings, *names: str) -> None:
    """Delete topics and create them again. Blocks."""
    admin = AdminClient(settings.client_config())
    for answer in admin.delete_topics(list(names)).values():
        answer.result(15)
    while admin.list_topics(timeout=15).topics.keys() & set(names):
        sleep(POLL_SECONDS)
    create_topics(settings, [BY_NAME[name] for name in names])


async def test_a_service_that_may_not_read_settings_says_so_once(outbox: OutboxUnderTest) -> None:
    check = check_of(outbox, "commitment.sent")
    with capture_logs() as logs:
        for _ in range(3):
            check._report(TopicFindings((), ["commitment.sent"]))
    assert [line["event"] for line in logs] == ["topics.settings_hidden"]


async def test_a_service_survives_an_abort_of_what_asks_for_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aborting = tmp_path / "aborting.py"
    aborting.write_text("import os; os.abort()")
    monkeypatch.setattr(describing, "__file__", str(aborting))
    settings = KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1")
    with pytest.raises(BrokerError, match="has failed"):
        await find_wrong_settings_apart(settings, TOPICS, 3)


async def test_a_service_asks_as_a_command_does(topics: KafkaSettings) -> None:
    found = await find_wrong_settings_apart(topics, TOPICS, 15)
    assert replace(found, ids={}) == find_wrong_settings(topics, TOPICS, 15)
    assert found.ids.keys() == BY_NAME.keys()
    assert len(set(found.ids.values())) == len(TOPICS)


def test_each_topic_is_checked_by_the_service_that_writes_it() -> None:
    written = [event.topic for each in (approval, exporter, notifier, digest) for event in each.PUBLISHED]
    from_outside = {"commitment.sent", "commitment.resent", "commitment.retrieved", "directory.person"}
    assert sorted(written) == sorted(BY_NAME.keys() - from_outside)


async def test_a_running_service_checks_what_it_writes(
    topics: KafkaSettings, database_url: str, unique_suffix: str
) -> None:
    set_settings(topics, {("digest.ready", "retention.ms"): DAY_MS})
    await eventually(lambda: setting(topics, "digest.ready", "retention.ms") == DAY_MS)
    service = CountingService(f"counting_{unique_suffix}", topics.kafka_bootstrap_servers, database_url)
    await service.prepare()
    labels = {"service": service.name}
    async with service.running(publishes=(DigestReady,)):
        await eventually(lambda: REGISTRY.get_sample_value("pipeline_topic_settings_wrong", labels) == 1)
    await service.database.close()


async def test_a_service_goes_on_where_no_broker_answers(outbox: OutboxUnderTest) -> None:
    stopping = asyncio.Event()
    with capture_logs() as logs:
        check = check_of(outbox, "commitment.sent", kafka=KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1"))
        checking = asyncio.create_task(check.run(stopping))
        await eventually(lambda: bool(logs))
        stopping.set()
        await asyncio.wait_for(checking, 60)
    assert logs[0]["event"] == "topics.not_checked"
