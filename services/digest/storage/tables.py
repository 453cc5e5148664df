"""The digest's tables, in its own schema: commitments, people, their preferences, and which summaries were made."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)

from services.pipeline.tables import kernel_tables

METADATA = MetaData(schema="digest")
KERNEL = kernel_tables(METADATA)

ITEM = Table(
    "item",
    METADATA,
    Column("id", Text, primary_key=True, comment="the commitment's id"),
    Column("company_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total", Numeric, nullable=False),
    Column("summary", Text, nullable=False, comment="as told, as JSON"),
    Column("known_since", DateTime(timezone=True), comment="when its present status was first heard of"),
    Index("item_by_status", "company_id", "status", "since"),
)

PERSON = Table(
    "person",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False, comment="outlives a removal, so that an old record gives no right"),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("time_zone", Text, nullable=False),
    Column("erp_tool", Text, nullable=False),
    Column("can_push_to_accounting", Boolean, nullable=False),
    Column("digest_subscribed", Boolean, nullable=False),
    Index("person_by_company", "company_id"),
)

PREFERENCE = Table(
    "preference",
    METADATA,
    Column("id", Text, primary_key=True, comment="the person's id"),
    Column("company_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("subscribed", Boolean, nullable=False),
)

DIGEST_RUN = Table(
    "digest_run",
    METADATA,
    Column("recipient_id", Text, primary_key=True),
    Column("local_date", Date, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Index("digest_run_by_date", "local_date"),
)
