"""Which settings of a topic are too low, and that an operator's higher ones stay."""

import pytest

from schemas.topics import BY_NAME, TOPICS, Topic
from services.pipeline.broker import TopicFindings, find_wrong_settings
from services.pipeline.settings import KafkaSettings
from services.pipeline.topic_settings import WrongSetting, wrong_settings

SENT, STATUS = BY_NAME["commitment.sent"], BY_NAME["commitment.status"]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_as_we_create_it_is_right(topic: Topic) -> None:
    assert wrong_settings(topic, topic.config) == []


def test_a_lower_number_and_another_policy_are_wrong() -> None:
    day_ms = str(24 * 60 * 60 * 1000)
    current = STATUS.config | {"delete.retention.ms": day_ms, "cleanup.policy": "compact,delete"}
    assert wrong_settings(STATUS, current) == [
        WrongSetting("commitment.status", "cleanup.policy", "compact,delete", "compact"),
        WrongSetting("commitment.status", "delete.retention.ms", day_ms, "1296000000"),
    ]


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        (SENT, "retention.ms", "1209600001"),
        (SENT, "retention.ms", "-1"),
        (SENT, "max.message.bytes", "20000000"),
        (STATUS, "min.compaction.lag.ms", "9223372036854775807"),
    ],
)
def test_what_an_operator_raised_is_right(topic: Topic, setting: str, value: str) -> None:
    assert wrong_settings(topic, topic.config | {setting: value}) == []


def test_no_number_but_that_of_unlimited_retention_may_be_negative() -> None:
    assert [each.setting for each in wrong_settings(SENT, SENT.config | {"retention.ms": "-2"})] == ["retention.ms"]


def test_a_limit_in_bytes_is_wrong_since_it_may_end_before_the_days_do() -> None:
    assert [each.setting for each in wrong_settings(SENT, SENT.config | {"retention.bytes": "1000000"})] == [
        "retention.bytes"
    ]


def test_packed_messages_are_wrong_where_others_publish() -> None:
    current = SENT.config | {"compression.type": "producer"}
    assert wrong_settings(SENT, current) == [
        WrongSetting("commitment.sent", "compression.type", "producer", "uncompressed")
    ]


def test_settings_that_are_not_ours_are_ignored() -> None:
    assert wrong_settings(SENT, SENT.config | {"segment.ms": "1", "min.insync.replicas": "1"}) == []


def test_where_no_topic_exists_yet_nothing_is_asked_and_nothing_is_wrong() -> None:
    nowhere = KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1")
    assert find_wrong_settings(nowhere, [], timeout_seconds=1) == TopicFindings((), ())
