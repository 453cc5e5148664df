"""Approval's tables: commitments with what lists need, submissions, documents, history, people, ERPs, its kernel."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    and_,
    func,
    literal,
    literal_column,
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
    Column("searchable", Text, comment="number, title, names and total as searches compare them"),
    Column("project", Text),
    Column("vendor", Text),
    Column("currency", Text),
    Column("total", Numeric, comment="what was submitted, in `currency`"),
    Column("revision", Integer),
    Column(
        "differs",
        Boolean,
        nullable=False,
        server_default="false",
        comment="whether its document in the ERP is not what was exported",
    ),
    Column(
        "holds_number",
        Boolean,
        nullable=False,
        server_default="false",
        comment="whether its number stands in the ERP, or is about to",
    ),
    Column("route", Text, comment="what decides which ERP it waits for, as JSON; empty unless it is exporting"),
    Index(
        "commitment_by_status",
        "company_id",
        "status",
        "since",
        "id",
        postgresql_include=["total", "currency", "revision"],
    ),
    Index(
        "commitment_by_total",
        "company_id",
        "status",
        "total",
        "since",
        "id",
        postgresql_include=["currency", "revision"],
    ),
    Index(
        "commitment_by_project",
        "company_id",
        "project",
        "status",
        "since",
        "id",
        postgresql_include=["total", "currency", "revision", "vendor"],
    ),
    Index(
        "commitment_by_vendor",
        "company_id",
        "vendor",
        "status",
        "since",
        "id",
        postgresql_include=["total", "currency", "revision"],
    ),
    # few commitments are in these, so that they cost little
    Index(
        "commitment_differing",
        "company_id",
        "since",
        "id",
        postgresql_include=["total", "currency", "revision"],
        postgresql_where=text("differs"),
    ),
    Index(
        "commitment_differing_by_total",
        "company_id",
        "total",
        "since",
        "id",
        postgresql_include=["currency", "revision"],
        postgresql_where=text("differs"),
    ),
    Index(
        "commitment_changed",
        "company_id",
        "status",
        "since",
        "id",
        postgresql_include=["total", "currency", "revision"],
        postgresql_where=text("revision > 1"),
    ),
    # by code point, so that it finds the numbers that begin with some characters in any database
    Index(
        "commitment_by_number",
        "company_id",
        "number",
        postgresql_ops={"number": 'collate "C"'},
        postgresql_where=text("number is not null"),
    ),
    Index(
        "commitment_by_held_number",
        "company_id",
        "number",
        postgresql_ops={"number": 'collate "C"'},
        postgresql_where=text("holds_number"),
    ),
    Index(
        "commitment_by_waiting_number",
        "company_id",
        "number",
        postgresql_ops={"number": 'collate "C"'},
        postgresql_where=text("not holds_number and status in ('ready', 'disputed')"),
    ),
    Index(
        "commitment_in_line",
        "company_id",
        "since",
        postgresql_include=["route"],
        postgresql_where=text("route is not null"),
    ),
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
    Column("traceparent", Text, comment="of the event that brought it"),
)

NUMBER = COMMITMENT.c.number.collate("C")
"""The number as `commitment_by_number` sorts it."""

LAST_CHARACTER = "\U0010ffff"


def begins_with(number: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a commitment's number begins with `number`, as a range of the index."""
    first = literal(number, Text) if isinstance(number, str) else number
    return and_(first <= NUMBER, first.concat(LAST_CHARACTER) > NUMBER)


# apart from the commitment, whose every change would write all of its entries into the index anew
SEARCH_TEXT = Table(
    "search_text",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("grams", Text, nullable=False, comment="the company, and all sequences of three characters, by blanks"),
)
GRAMS = func.string_to_array(SEARCH_TEXT.c.grams, literal_column("' '"))
Index("search_text_by_gram", GRAMS.label("gram_list"), postgresql_using="gin")

# how many commitments there are and their sums, kept by triggers on `commitment`; the two tables are added up
_TALLIED = (
    ("company_id", "of which company"),
    ("status", "a status, or `differing` for those that also differ"),
    ("kind", "what `name` is: all, project, vendor, or changed for later revisions than the first"),
    ("name", "of the project or vendor, otherwise empty"),
    ("currency", "of the total"),
)
TALLY = Table(
    "tally",
    METADATA,
    *(Column(name, Text, primary_key=True, comment=comment) for name, comment in _TALLIED),
    Column("count", BigInteger, nullable=False),
    Column("total", Numeric, nullable=False),
    # all that is read, so that the rows of a company, which are scattered, need not be
    Index("tally_by_kind", "company_id", "kind", "status", "name", "currency", postgresql_include=["count", "total"]),
)
TALLY_CHANGE = Table(
    "tally_change",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name, _ in _TALLIED),
    Column("count", BigInteger, nullable=False),
    Column("total", Numeric, nullable=False),
    Index("tally_change_by_company", "company_id"),
)

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
    Column("position", BigInteger, comment="of a decision in the chain of its commitment"),
    Column("hash", Text, comment="of the decision, with that of the one before"),
    Column("decision", Text, comment="what the hash protects, in its RFC 8785 form"),
    Column("read_partition", Integer, comment="of where its event was read; empty if told here"),
    Column("read_offset", BigInteger),
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

PREFERENCE = Table(
    "preference",
    METADATA,
    Column("id", Text, primary_key=True, comment="the person's id"),
    Column("version", BigInteger, nullable=False),
    Column(
        "record", Text, comment="the person's own wish about the daily summary, as JSON; empty before the first one"
    ),
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
