"""Approval's tables: commitments and their submissions, history, people, ERP connections, sessions."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)

from services.pipeline.tables import kernel_tables

METADATA = MetaData(schema="approval")
KERNEL = kernel_tables(METADATA)

# `state` is all that is known of a commitment; the other columns are what statements filter, sort and search by
COMMITMENT = Table(
    "commitment",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("company_id", Text, comment="empty until the first event says it"),
    Column("state", Text, nullable=False, comment="the joined facts, as JSON"),
    Column("status", Text, comment="empty while nothing was submitted, which is not shown"),
    Column("since", DateTime(timezone=True)),
    Column("number", Text),
    Column("searchable", Text, comment="number, title, vendor and project in lower case"),
    Index("commitment_by_status", "company_id", "status", "since", "id"),
    Index("commitment_by_since", "company_id", "since", "id", postgresql_where=text("status is not null")),
)

SUBMISSION = Table(
    "submission",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("content_hash", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("snapshot", Text, nullable=False, comment="the commitment as received, word for word"),
    Column("sent_by", Text, nullable=False),
    Column("note", Text),
    Column("sent_at", DateTime(timezone=True), nullable=False),
)

HISTORY = Table(
    "history",
    METADATA,
    Column("event_id", Uuid, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("commitment_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text),
    Column("revision", Integer),
    Column("round", Integer),
    Column("text", Text, nullable=False),
    Index("history_by_commitment", "commitment_id", "at"),
)

PERSON = Table(
    "person",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("record", Text, comment="the directory's record, as JSON; empty once removed"),
    Column("company_id", Text),
)

ERP_CONNECTION = Table(
    "erp_connection",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("record", Text, comment="what the exporter last told, as JSON"),
)

SESSION = Table(
    "session",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True, comment="SHA-256 of the cookie's token"),
    Column("person_id", Text),
    Column("state", Text, nullable=False, comment="what a sign-in under way must remember, as JSON"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), comment="about when it was last used; empty before the first use"),
    Index("session_by_expiry", "expires_at"),
    Index("session_by_person", "person_id"),
)
