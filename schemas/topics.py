"""Every topic of Countersign with what travels on it and how the broker keeps it."""

from dataclasses import dataclass

from schemas import events, limits
from schemas.events import EventData
from schemas.events.base import Removal

PARTITIONS = 12
RETENTION_DAYS = 14
TOMBSTONE_DAYS = 15
"""Longer than RETENTION_DAYS: a database restored from a backup of that age must still read who was removed since."""
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its event, the event a null value stands for, and its retention."""

    event: type[EventData]
    is_compacted: bool = False
    min_compaction_lag_days: int = 0
    tombstone: type[Removal] | None = None
    is_upstream: bool = False
    """Whether other systems than ours publish to it."""

    @property
    def name(self) -> str:
        """The topic's name, which with `.v1` is its event's type."""
        return self.event.topic

    @property
    def event_type(self) -> str:
        """The CloudEvents type of the topic's event."""
        return f"{self.name}.v1"

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for this topic."""
        shared = {"max.message.bytes": str(limits.MAX_MESSAGE_BYTES)}
        if self.is_upstream:
            # the broker then compares with its limit what a message unpacks to, not what its sender has packed it into
            shared["compression.type"] = "uncompressed"
        if not self.is_compacted:
            kept_ms = str(RETENTION_DAYS * _DAY_MS)
            return shared | {"cleanup.policy": "delete", "retention.ms": kept_ms, "retention.bytes": "-1"}
        compacted = {"cleanup.policy": "compact", "delete.retention.ms": str(TOMBSTONE_DAYS * _DAY_MS)}
        lag = {"min.compaction.lag.ms": str(self.min_compaction_lag_days * _DAY_MS)}
        return shared | compacted | (lag if self.min_compaction_lag_days else {})


TOPICS: tuple[Topic, ...] = (
    Topic(events.CommitmentSent, is_upstream=True),
    Topic(events.CommitmentResent, is_upstream=True),
    Topic(events.CommitmentRetrieved, is_upstream=True),
    Topic(events.DirectoryPerson, is_compacted=True, tombstone=events.DirectoryPersonRemoved, is_upstream=True),
    Topic(events.SubmissionRefused),
    Topic(events.DecisionFirstApproved),
    Topic(events.DecisionAccepted),
    Topic(events.DecisionRejected),
    Topic(events.DecisionResolved),
    Topic(events.DecisionDriftAccepted),
    Topic(events.ApprovalRequested),
    Topic(events.QuestionAsked),
    Topic(events.QuestionAnswered),
    Topic(events.ExportInDoubt),
    Topic(events.ExportSucceeded),
    Topic(events.ExportFailed),
    Topic(events.ExportDrifted),
    Topic(events.ErpConnection, is_compacted=True),
    Topic(events.ErpReference, is_compacted=True, tombstone=events.ErpReferenceRemoved),
    Topic(events.CommitmentStatus, is_compacted=True, min_compaction_lag_days=7),
    Topic(events.DigestReady),
    Topic(events.DigestPreference, is_compacted=True),
    Topic(events.MailSettled),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
BY_TYPE: dict[str, Topic] = {topic.event_type: topic for topic in TOPICS}
