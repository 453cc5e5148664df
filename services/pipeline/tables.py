"""The pipeline's tables, which every service has in its own schema: outbox, offsets, dead letters, decisions."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY


@dataclass(frozen=True, slots=True)
class KernelTables:
    """The pipeline's tables in a service's schema."""

    outbox: Table
    outbox_parked: Table
    outbox_discarded: Table
    consumer_offset: Table
    offset_change: Table
    dead_letter: Table
    lease: Table
    topic_seen: Table


def kernel_tables(metadata: MetaData) -> KernelTables:
    """Declare the pipeline's tables in `metadata`, whose schema is the service's."""
    return KernelTables(
        _outbox(metadata),
        _outbox_parked(metadata),
        _outbox_discarded(metadata),
        _consumer_offset(metadata),
        _offset_change(metadata),
        _dead_letter(metadata),
        _lease(metadata),
        _topic_seen(metadata),
    )


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        # cache=1 numbers rows in the order of their inserts, also across connections
        Column("id", BigInteger, Identity(cache=1), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("outbox_by_key", "key"),
    )


def _outbox_parked(metadata: MetaData) -> Table:
    return Table(
        "outbox_parked",
        metadata,
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("parked_until", DateTime(timezone=True), comment="empty if Kafka refused the event for good"),
        Column("why", Text, nullable=False),
        Index("outbox_parked_by_key", "topic", "key"),
    )


def _outbox_discarded(metadata: MetaData) -> Table:
    return Table(
        "outbox_discarded",
        metadata,
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("why", Text, nullable=False),
        # part of the key, since ids begin anew in a database that was restored
        Column("discarded_at", DateTime(timezone=True), primary_key=True, server_default=func.now()),
        Column("discarded_by", Text, nullable=False),
        Column("because", Text, nullable=False),
        Index("outbox_discarded_by_time", "discarded_at"),
    )


def _consumer_offset(metadata: MetaData) -> Table:
    return Table(
        "consumer_offset",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
    )


def _offset_change(metadata: MetaData) -> Table:
    return Table(
        "offset_change",
        metadata,
        Column("id", BigInteger, Identity(cache=1), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("old_offset", BigInteger, comment="empty if nothing was ever read"),
        Column("new_offset", BigInteger, nullable=False),
        Column("skipped", BigInteger, nullable=False, comment="messages that were still there and unread"),
        Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("changed_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
    )


def _dead_letter(metadata: MetaData) -> Table:
    return Table(
        "dead_letter",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("offset", BigInteger, primary_key=True),
        Column("reason", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("header_names", ARRAY(Text), nullable=False),
        Column("header_values", ARRAY(LargeBinary), nullable=False),
        Column("happened_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("settled_as", Text, comment="redriven, discarded or superseded; empty while it is open"),
        Column("settled_at", DateTime(timezone=True)),
        Column("settled_by", Text),
        Column("settled_because", Text),
        # by hash, since a key may be longer than an entry of any other index
        Index("dead_letter_by_key", "key", postgresql_using="hash"),
        Index("dead_letter_by_reason", "reason"),
        Index("dead_letter_open", "reason", postgresql_where=text("settled_at is null")),
        Index("dead_letter_settled", "settled_at", postgresql_where=text("settled_at is not null")),
    )


def _lease(metadata: MetaData) -> Table:
    return Table(
        "lease",
        metadata,
        Column("name", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
    )


def _topic_seen(metadata: MetaData) -> Table:
    return Table(
        "topic_seen",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("topic_id", Text, nullable=False, comment="Kafka's own; a topic that is made anew gets another"),
    )
