"""The tables of the desk and the API themselves: marks, kept reasons, sessions, and responses to repeated requests."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    text,
)

from services.approval.storage.tables import METADATA

# what an approver has marked and not sent yet
MARK = Table(
    "mark",
    METADATA,
    Column("person_id", Text, primary_key=True),
    Column("commitment_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("verb", Text, nullable=False, comment="accept or reject"),
    Column("revision", Integer, nullable=False),
    Column("content_hash", Text, nullable=False, comment="the content that was read"),
    Column("reason", Text),
    Column("erp_code", Text),
    Column("accounting_date", Date),
    Column("note", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("number", Text, nullable=False, comment="as it was marked, like currency and total"),
    Column("currency", Text, nullable=False),
    Column("total", Numeric, nullable=False),
    Column("due_at", DateTime(timezone=True), comment="when it is carried out; empty while it is not sent"),
    Column("problem", Text, comment="why it was sent and could not be carried out"),
    Column("traceparent", Text, comment="of the request that sent it"),
    Index("mark_by_time", "at"),
    Index("mark_held", "commitment_id", postgresql_where=text("due_at is not null")),
)

REASON_TEMPLATE = Table(
    "reason_template",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_by", Text, nullable=False, comment="who added it, or changed it last, as JSON"),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("reason_template_by_company", "company_id"),
)

# a limit that an approver hands to another one; those that were ended have no row
DELEGATION = Table(
    "delegation",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False, comment="whose limit it is"),
    Column("to_id", Text, nullable=False, comment="who may use it"),
    Column("first_day", Date, nullable=False, comment="where the owner is, like the last day"),
    Column("last_day", Date, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("delegation_by_company", "company_id"),
    Index("delegation_by_last_day", "last_day"),
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

# which sessions operators have ended
ENDED_SESSION = Table(
    "ended_session",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("session", Text, nullable=False, comment="the beginning of its name, as it was listed"),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", Text, nullable=False, comment="the operator's user of the operating system"),
    Column("because", Text, nullable=False),
    Index("ended_session_by_time", "ended_at"),
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
