"""The topics, their events and their broker configuration."""

from schemas import events
from schemas.events import CommitmentData, EventData, Removal, Submission
from schemas.topics import BY_NAME, BY_TYPE, RETENTION_DAYS, TOMBSTONE_DAYS, TOPICS


def with_subclasses(event: type[EventData]) -> set[type[EventData]]:
    return {event}.union(*map(with_subclasses, event.__subclasses__()))


def test_every_event_has_exactly_one_topic() -> None:
    abstract = {EventData, CommitmentData, Submission, Removal}
    tombstones = {events.DirectoryPersonRemoved, events.ErpReferenceRemoved}
    assert with_subclasses(EventData) - abstract - tombstones == {topic.event for topic in TOPICS}
    assert len(BY_NAME) == len(BY_TYPE) == len(TOPICS)


def test_a_topic_keeps_two_weeks_or_the_latest_event_of_each_key() -> None:
    assert BY_NAME["commitment.sent"].config == {
        "max.message.bytes": "2097152",
        "compression.type": "uncompressed",
        "cleanup.policy": "delete",
        "retention.ms": "1209600000",
        "retention.bytes": "-1",
    }
    assert BY_NAME["directory.person"].config == {
        "max.message.bytes": "2097152",
        "compression.type": "uncompressed",
        "cleanup.policy": "compact",
        "delete.retention.ms": "1296000000",
    }
    assert BY_NAME["commitment.status"].config["min.compaction.lag.ms"] == "604800000"


def test_the_broker_unpacks_what_others_publish_and_nothing_else() -> None:
    unpacked = {topic.name for topic in TOPICS if "compression.type" in topic.config}
    assert unpacked == {"commitment.sent", "commitment.resent", "commitment.retrieved", "directory.person"}


def test_a_compacted_topic_keeps_a_removal_for_longer_than_the_oldest_backup_that_may_be_restored() -> None:
    kept_ms = {topic.config["delete.retention.ms"] for topic in TOPICS if topic.is_compacted}
    assert kept_ms == {str(TOMBSTONE_DAYS * 24 * 60 * 60 * 1000)}
    assert TOMBSTONE_DAYS > RETENTION_DAYS


def test_the_type_is_the_topic_and_its_version() -> None:
    assert {topic.event_type for topic in TOPICS} == {f"{name}.v1" for name in BY_NAME}
