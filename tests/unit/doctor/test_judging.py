"""What the check-up thinks of what it is told, without asking anybody."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.links import sign_unsubscribe
from schemas.topics import BY_NAME
from services.doctor import configuration, databases, groups, kafka
from services.doctor.findings import Finding, Verdict
from services.doctor.surroundings import Whereabouts, settings_of
from services.pipeline.behind import Seen
from services.pipeline.broker.brokers import Span
from services.pipeline.broker.inquiry import Cluster, Group, Member, TopicShape
from services.pipeline.migrations import Standing
from services.pipeline.outbox import Backlog
from services.pipeline.records import Partition
from services.pipeline.server_facts import ServerFacts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT = BY_NAME["commitment.sent"]
PLACES = [Partition("commitment.sent", number) for number in range(2)]
FINE = TopicShape(12, 3, 3, ())
SERVER = ServerFacts(180_004, "18.4", NOW, 200, 3, 2**24, 1000, {"countersign.approval": 20}, {"fsync": "on"}, {})
NOTHING = Backlog(0, None, 0, 0)


def told(found: Iterable[Finding], verdict: Verdict) -> list[str]:
    return [f"{each.about}: {each.what}" for each in found if each.verdict is verdict]


def problems(found: Iterable[Finding]) -> list[str]:
    """Return what is not fine; each says what to do."""
    notable = [each for each in found if each.verdict in {Verdict.WARNING, Verdict.WRONG}]
    assert all(each.remedy for each in notable)
    return [f"{each.verdict.value} {each.about}: {each.what}" for each in notable]


def test_brokers_need_to_offer_the_protocol_of_our_consumers() -> None:
    fine = {"group.coordinator.rebalance.protocols": "classic,consumer", "auto.create.topics.enable": "false"}
    older = {"auto.create.topics.enable": "true"}
    assert problems(kafka.judge_brokers((1, 2, 3), fine, "consumer")) == []
    [protocol, creation] = kafka.judge_brokers((1, 2, 3), older, "consumer")[1:]
    assert (protocol.verdict, "KAFKA_GROUP_PROTOCOL=classic" in protocol.remedy) == (Verdict.WRONG, True)
    assert creation.verdict is Verdict.WARNING
    assert "allow DescribeConfigs" in told(kafka.judge_brokers((1, 2, 3), None, "classic"), Verdict.NOT_CHECKED)[0]
    assert problems(kafka.judge_brokers((1,), fine, "classic")) == [
        "warning brokers: 1 of 3: a broker that is lost takes messages with it"
    ]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (FINE, []),
        (
            replace(FINE, partitions=6),
            ["wrong commitment.sent: has 6 partitions of 12: fewer processes share the work"],
        ),
        (
            replace(FINE, replicas=1, in_sync=1),
            ["wrong commitment.sent: has 1 replicas: messages can be lost with a broker"],
        ),
        (replace(FINE, in_sync=2), ["warning commitment.sent: has 2 replicas in sync of 3"]),
        (replace(FINE, without_leader=(4, 7)), ["wrong commitment.sent: has no leader for partition 4, 7"]),
    ],
)
def test_a_topic_needs_partitions_replicas_and_leaders(shape: TopicShape, words: list[str]) -> None:
    assert problems(kafka.judge_shape(SENT.name, Cluster((1, 2, 3), {SENT.name: shape}))) == words


def test_a_topic_with_more_partitions_is_told_and_one_that_is_missing_is_wrong() -> None:
    more = Cluster((1, 2, 3), {SENT.name: replace(FINE, partitions=24)})
    assert told(kafka.judge_shape(SENT.name, more), Verdict.WARNING) != []
    assert problems(kafka.judge_shape(SENT.name, Cluster((1,), {}))) == ["wrong commitment.sent: does not exist"]


def test_what_a_topic_keeps_less_than_promised_is_wrong() -> None:
    fine = {**SENT.config, "min.insync.replicas": "2"}
    assert kafka.judge_settings(SENT, fine, FINE) == []
    assert problems(kafka.judge_settings(SENT, fine | {"retention.ms": "1000", "min.insync.replicas": "1"}, FINE)) == [
        "wrong commitment.sent: retention.ms is 1000; at least 1209600000 is needed",
        "wrong commitment.sent: min.insync.replicas is 1: a message that is acknowledged can be lost with one broker",
    ]
    assert kafka.judge_settings(SENT, None, FINE)[0].verdict is Verdict.NOT_CHECKED


def test_a_message_from_the_future_tells_of_a_wrong_clock() -> None:
    newest = {PLACES[0]: NOW + timedelta(minutes=30), PLACES[1]: NOW + timedelta(seconds=30)}
    assert problems(kafka.judge_message_times(newest, NOW)) == [
        "warning commitment.sent: has a message from 30 min in the future"
    ]
    assert problems(kafka.judge_message_times({PLACES[1]: newest[PLACES[1]]}, NOW)) == []


def whereabouts(saved: int, *members: Member, age: timedelta = timedelta(0)) -> Whereabouts:
    spans = {each: Span(5, 10) for each in PLACES}
    group = Group("countersign.approval", "consumer", members)
    seen = Seen("approval", PLACES, dict.fromkeys(PLACES, saved), spans, group, {})
    return Whereabouts(seen, seen.lags(dict.fromkeys(seen.unread(), NOW - age)))


ALL = Member("m-1", "10.0.0.7", frozenset(PLACES))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (whereabouts(10, ALL), []),
        (whereabouts(9, ALL), []),
        (whereabouts(10), ["warning approval: no process of it is in its group"]),
        (whereabouts(9), ["wrong approval: approval is 2 messages behind"]),
        (
            whereabouts(10, replace(ALL, partitions=frozenset())),
            ["wrong approval: approval has read everything; nobody"],
        ),
        (whereabouts(9, ALL, age=timedelta(minutes=16)), ["warning approval: approval is 2 messages behind"]),
        (whereabouts(10, *[ALL] * 13), ["warning approval: has 13 processes, but 12 partitions"]),
    ],
)
def test_a_group_needs_members_that_read_every_partition(where: Whereabouts, words: list[str]) -> None:
    found = problems(groups.judge_members(where, NOW))
    assert len(found) == len(words)
    assert all(line.startswith(start) for line, start in zip(found, words, strict=True))


def test_groups_with_our_prefix_belong_to_a_service() -> None:
    names = ["countersign.approval", "countersign.digest", "countersign.archive", "payroll"]
    assert [each.about for each in groups.judge_names(names)] == ["countersign.archive"]


def test_an_offset_that_is_out_of_range_or_soon_will_be_is_wrong() -> None:
    kept = {"commitment.sent": {"retention.ms": str(14 * 86_400_000)}}
    below = groups.judge_offsets("approval", whereabouts(3, ALL).lags, {}, NOW)
    assert len(told(below, Verdict.WRONG)) == 2
    assert "countersign offsets list approval --out-of-range" in below[0].remedy
    old = groups.judge_offsets("approval", whereabouts(9, ALL, age=timedelta(days=12)).lags, kept, NOW)
    assert (
        told(old, Verdict.WRONG)[0]
        == "approval: commitment.sent/0 has 1 unread messages, the first to be deleted in 2 d"
    )
    young = groups.judge_offsets("approval", whereabouts(9, ALL, age=timedelta(days=10)).lags, kept, NOW)
    assert [each.verdict for each in young] == [Verdict.OK]


@pytest.mark.parametrize(
    ("schema", "verdict", "remedy"),
    [
        (Standing("0019", "0019", 0), Verdict.OK, ""),
        (Standing("0017", "0019", 2), Verdict.WRONG, "countersign migrate"),
        (Standing(None, "0019", 19), Verdict.WRONG, "countersign migrate"),
        (Standing("0020", "0019", None), Verdict.WARNING, "Use the release that migrated it, also for this command."),
    ],
)
def test_a_schema_has_the_version_of_this_release(schema: Standing, verdict: Verdict, remedy: str) -> None:
    found = databases.judge_schema("approval", schema)
    assert (found.verdict, found.remedy) == (verdict, remedy)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (SERVER, []),
        (replace(SERVER, version=140_012, version_text="14.12"), ["wrong db: PostgreSQL 14.12 is older than 15"]),
        (replace(SERVER, max_connections=40), ["wrong db: max_connections allows 37, and one process of each service"]),
        (replace(SERVER, connections={"": 170}), ["warning db: 170 of 197 connections are in use"]),
        (replace(SERVER, settings={"fsync": "off"}), ["wrong db: fsync is off"]),
        (replace(SERVER, slots={"old": 2**31}), ["wrong db: the idle replication slot old keeps 2.0 GiB of WAL"]),
        (
            replace(SERVER, oldest_transaction_age=1_500_000_000),
            ["wrong db: the oldest transaction is 1,500,000,000 old"],
        ),
    ],
)
def test_a_server_is_new_enough_and_keeps_what_it_was_given(facts: ServerFacts, words: list[str]) -> None:
    found = problems(databases.judge_server("db", ["approval", "exporter"], facts))
    assert len(found) == len(words)
    assert all(line.startswith(start) for line, start in zip(found, words, strict=True))


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.5, Verdict.OK), (-2.5, Verdict.WARNING), (31, Verdict.WRONG), (-31, Verdict.WRONG)]
)
def test_a_clock_is_compared_with_ours(seconds: float, verdict: Verdict) -> None:
    assert databases.judge_clock("db", NOW + timedelta(seconds=seconds), NOW).verdict is verdict


def test_a_slow_answer_is_no_wrong_clock() -> None:
    answered_at = NOW + timedelta(seconds=9)
    theirs = NOW + timedelta(seconds=4)
    assert databases.nearest(theirs, NOW, answered_at) == theirs
    assert databases.nearest(NOW - timedelta(hours=1), NOW, answered_at) == NOW
    assert databases.nearest(NOW + timedelta(hours=1), NOW, answered_at) == answered_at


@pytest.mark.parametrize(
    ("letters", "backlog", "set_aside", "words"),
    [
        ({}, NOTHING, 0, []),
        ({"schema": 2}, NOTHING, 0, ["warning approval: dead letters are open: 2 schema"]),
        ({}, replace(NOTHING, refused=1), 0, ["wrong approval: Kafka refused 1 events"]),
        (
            {},
            Backlog(4, NOW - timedelta(minutes=5), 0, 0),
            0,
            ["wrong approval: 4 events wait to be sent, the oldest for 5 min"],
        ),
        ({}, Backlog(4, NOW - timedelta(seconds=5), 0, 0), 0, []),
        ({}, NOTHING, 3, ["wrong approval: 3 pieces of work cannot be read or recorded"]),
    ],
)
def test_what_waits_for_somebody_is_told(
    letters: dict[str, int], backlog: Backlog, set_aside: int, words: list[str]
) -> None:
    assert problems(databases.judge_open_work("approval", letters, backlog, set_aside, NOW)) == words


NOTIFIER = {
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "DATABASE_URL": "postgresql://me@localhost/countersign",
    "SMTP_URL": "smtp://localhost",
    "MAIL_FROM": "desk@builder.example",
    "PUBLIC_URL": "https://desk.example",
}


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, Verdict.OK, "valid"),
        ({"MAIL_FROM": ""}, Verdict.WRONG, "not set: MAIL_FROM"),
        ({"SMTP_URL": "http://localhost"}, Verdict.WRONG, "SMTP_URL: must be smtp://"),
        ({"MAIL_FROM": "", "SMTP_URL": ""}, Verdict.NOT_CHECKED, "not set here: SMTP_URL, MAIL_FROM"),
    ],
)
def test_a_service_that_is_configured_here_is_configured_whole(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], verdict: Verdict, words: str
) -> None:
    environ = NOTIFIER | changes
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = configuration.judge_settings("notifier", settings_of("notifier"), environ)
    assert (found.verdict, words in found.what) == (verdict, True)


@pytest.mark.parametrize(
    ("environ", "about"),
    [
        ({}, []),
        ({"KAFKA_SASL_USERNAME": "me"}, ["KAFKA_SECURITY_PROTOCOL"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, ["KAFKA_SASL_MECHANISM"]),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN"},
            ["KAFKA_SECURITY_PROTOCOL"],
        ),
        ({"KAFKA_SSL_KEY_LOCATION": "/etc/key.pem"}, ["KAFKA_SSL_KEY_LOCATION"]),
        (
            {"DATABASE_URL": "x"}
            | {f"{each}_DATABASE_URL": "y" for each in ("APPROVAL", "EXPORTER", "NOTIFIER", "DIGEST")},
            ["DATABASE_URL"],
        ),
        ({"SMTP_URL": "smtp://me:secret@mail.example"}, ["SMTP_URL"]),
        ({"SMTP_URL": "smtp://me:secret@127.0.0.1"}, []),
        ({"SMTP_URL": "smtps://me:secret@mail.example"}, []),
    ],
)
def test_variables_that_contradict_each_other_are_named(environ: dict[str, str], about: list[str]) -> None:
    found = list(configuration.judge_contradictions(environ))
    assert [each.about for each in found] == about
    assert all(each.remedy for each in found)


def test_services_whose_addresses_are_known_are_asked_with_a_token() -> None:
    addresses = {"EXPORTER_URL": "http://exporter:8000", "DIGEST_URL": ""}
    [found] = configuration.judge_operations(addresses)
    assert (found.about, found.verdict) == ("OPERATIONS_TOKEN", Verdict.WARNING)
    assert found.what.endswith("at EXPORTER_URL")
    assert list(configuration.judge_operations(addresses | {"OPERATIONS_TOKEN": "x"})) == []
    assert list(configuration.judge_operations({})) == []


def test_a_secret_that_everybody_can_read_is_found(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret")
    file.chmod(0o640)
    assert configuration.judge_secret_file(file) is None
    file.chmod(0o644)
    found = configuration.judge_secret_file(file)
    assert found is not None
    assert (found.verdict, found.remedy) == (
        Verdict.WRONG,
        f"chmod 600 {file}, and let it belong to the user of the service: {os.getuid()} here.",
    )
    missing = configuration.judge_secret_file(tmp_path / "nothing")
    assert missing is not None
    assert missing.verdict is Verdict.WRONG


def test_a_link_tells_whether_the_digest_has_the_same_secret() -> None:
    secret = SecretStr("the-same-in-both-services")
    url = f"https://desk.example/u/{sign_unsubscribe(secret, 'c-1', 'p-1')}"
    assert configuration.judge_link(url, secret).verdict is Verdict.OK
    assert configuration.judge_link(url, SecretStr("another-secret-than-that")).verdict is Verdict.WRONG
