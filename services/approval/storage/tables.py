"""Approval's tables: commitments with their submissions and documents, history, people, ERPs, sessions, responses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    literal,
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
    Column(
        "differs",
        Boolean,
        nullable=False,
        server_default="false",
        comment="whether its document in the ERP is not what was exported",
    ),
    Column("route", Text, comment="what decides which ERP it waits for, as JSON; empty unless it is exporting"),
    Index("commitment_differing", "company_id", "since", "id", postgresql_where=text("differs")),
    Index("commitment_by_status", "company_id", "status", "since", "id"),
    # by code point, so that it finds the numbers that begin with some characters in any database
    Index(
        "commitment_by_number",
        "company_id",
        "number",
        postgresql_ops={"number": 'collate "C"'},
        postgresql_where=text("number is not null"),
    ),
    Index(
        "commitment_in_line",
        "company_id",
        "since",
        postgresql_include=["route"],
        postgresql_where=text("route is not null"),
    ),
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

NUMBER = COMMITMENT.c.number.collate("C")
"""The number as `commitment_by_number` sorts it."""

LAST_CHARACTER = "\U0010ffff"


def begins_with(number: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a commitment's number begins with `number`, as a range of the index."""
    first = literal(number, Text) if isinstance(number, str) else number
    return and_(first <= NUMBER, first.concat(LAST_CHARACTER) > NUMBER)


# who holds which document of an ERP, derived from the states; a document of two commitments is shown on the desk
DOCUMENT = Table(
    "document",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("kind", Text, primary_key=True, comment="id or number"),
    Column("name", Text, primary_key=True, comment="the document's id or number in the ERP"),
    Column("commitment_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Index("document_by_commitment", "commitment_id"),
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

# an entry that the ERP no longer has keeps its row and its version
ERP_REFERENCE = Table(
    "erp_reference",
    METADATA,
    Column("id", Text, primary_key=True, comment="the key of its messages"),
    Column("version", BigInteger, nullable=False),
    Column("connection", Text),
    Column("list_name", Text),
    Column("entry_id", Text, comment="its id in the ERP, in lower case"),
    Column("name", Text, comment="its full name in the ERP, in lower case; empty once removed"),
    Column("is_active", Boolean),
    Index("erp_reference_by_name", "connection", "list_name", "name"),
    Index("erp_reference_by_entry_id", "connection", "list_name", "entry_id"),
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

KEPT_RESPONSE = Table(
    "kept_response",
    METADATA,
    Column("person_id", Text, primary_key=True),
    Column("key", Text, primary_key=True, comment="the Idempotency-Key of the request"),
    Column("request_hash", LargeBinary, nullable=False, comment="SHA-256 of method, path and body"),
    Column("status", Integer, comment="empty while the request is being carried out"),
    Column("headers", Text, comment="as JSON"),
    Column("body", LargeBinary),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("kept_response_by_time", "at"),
)
