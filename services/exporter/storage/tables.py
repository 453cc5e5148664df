"""The exporter's tables: a row per commitment, which is locked and leased, and a row per revision to export."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.pipeline.tables import kernel_tables

METADATA = MetaData(schema="exporter")
KERNEL = kernel_tables(METADATA)

_JSON = JSONB(none_as_null=True)
_INSTANT = DateTime(timezone=True)

COMMITMENT = Table(
    "commitment",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("company_id", Text),
    Column("connection", Text),
    # when a worker has to act; while leased, the end of the lease, so that an expired lease is found like due work
    Column("due_at", _INSTANT),
    Column("lease_token", Uuid),
    Column("lease_revision", Integer),
    Column("resolved", _JSON),
    Column("rejected_revision", Integer),
    Column("rejected_round", Integer),
    # the documents that are no longer the commitment's, each with the revision for which an approver said so
    Column("replaced", _JSON),
    # how the document may differ in the ERP, by the last word of an approver
    Column("accepted_drift", _JSON),
    # why no worker takes it up any more; an operator sets `due_at` again
    Column("set_aside", Text),
    Index("commitment_due", "connection", "due_at", postgresql_where=text("due_at is not null")),
    Index("commitment_leased", "connection", postgresql_where=text("lease_token is not null")),
    Index("commitment_set_aside", "id", postgresql_where=text("set_aside is not null")),
)

EXPORT = Table(
    "export",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("ordered_round", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("decided_by", _JSON, nullable=False),
    Column("summary", _JSON, nullable=False),
    Column("accepted_at", _INSTANT, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_since", _INSTANT, nullable=False),
    Column("due_at", _INSTANT),
    Column("connection", Text),
    Column("erp_code", Text),
    Column("accounting_date", Date),
    Column("note", Text),
    Column("attempts", Integer, nullable=False),
    Column("probes", Integer, nullable=False),
    Column("quiet_until", _INSTANT),
    Column("doubt", _JSON),
    Column("document", _JSON),
    Column("failure", _JSON),
    Column("is_closed", Boolean, nullable=False, server_default="false"),
    Column("traceparent", Text),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("ordered_reopened", Integer, nullable=False, server_default="0"),
    Column("refused_evidence", Integer, nullable=False, server_default="0"),
    # of the last write to a polled ERP, until its answer is known
    Column("message_set_id", Text),
    Column("sent_at", _INSTANT),
    ForeignKeyConstraint(["commitment_id"], [COMMITMENT.c.id]),
    Index(
        "export_one_open",
        "commitment_id",
        unique=True,
        postgresql_where=text("state in ('in_flight', 'in_doubt')"),
    ),
    # everything that the gauges need, so that they read no rows
    Index(
        "export_waiting",
        "connection",
        "state",
        "accepted_at",
        postgresql_where=text("state in ('pending', 'in_flight', 'in_doubt')"),
    ),
    Index("export_failed", "connection", "state_since", postgresql_where=text("state = 'failed' and not is_closed")),
    Index(
        "export_by_document_id",
        text("(document ->> 'connection')"),
        text("(document ->> 'id')"),
        postgresql_where=text("document is not null"),
    ),
    Index(
        "export_by_document_number",
        text("(document ->> 'connection')"),
        text("(document ->> 'number')"),
        postgresql_where=text("document is not null"),
    ),
)

# each commitment that is in the ERP, and when its document there is compared with what was exported
COMPARISON = Table(
    "comparison",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("document", _JSON, nullable=False),
    # what was exported, with its marker; empty if an earlier release exported it, of which no content is known
    Column("written", _JSON),
    Column("due_at", _INSTANT, nullable=False),
    Column("lease_token", Uuid),
    Column("compared_at", _INSTANT),
    # what was last told of it, as JSON: empty while nothing differs
    Column("told", Text),
    Column("told_version", BigInteger, nullable=False, server_default="0"),
    ForeignKeyConstraint(["commitment_id"], [COMMITMENT.c.id]),
    Index("comparison_due", "connection", "due_at"),
    Index("comparison_told", "connection", postgresql_where=text("told is not null")),
    Index("comparison_leased", "connection", postgresql_where=text("lease_token is not null")),
)

SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("company_id", Text, nullable=False),
    # the approved content verbatim, never jsonb: its hash must stay the same
    Column("text", Text, nullable=False),
    # where the order was read
    Column("read_partition", Integer),
    Column("read_offset", BigInteger),
    ForeignKeyConstraint(["commitment_id"], [COMMITMENT.c.id]),
)

# what each attempt led to, for those who want to know why an export is where it is; nothing decides by it
ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    # of the lease under which it was made
    Column("token", Uuid, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("connection", Text),
    Column("outcome", Text, nullable=False),
    Column("is_probe", Boolean, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("code", Text),
    Column("message", Text),
    Column("ended_at", _INSTANT, nullable=False),
    Column("next_at", _INSTANT),
    Index("attempt_ended", "ended_at"),
)

LOOK = Table(
    "look",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    # where a write was lost; the commitment may have gone to another ERP since
    Column("connection", Text, primary_key=True),
    # when to look next; while leased, the end of the lease
    Column("due_at", _INSTANT, nullable=False),
    Column("lease_token", Uuid),
    Column("looks", Integer, nullable=False, server_default="0"),
    # the ids of the late documents that were found
    Column("told", _JSON),
    ForeignKeyConstraint(["commitment_id"], [COMMITMENT.c.id]),
    Index("look_due", "connection", "due_at"),
)

# where the previous release plans its looks while processes are replaced; a trigger copies them into LOOK.
# The next release drops both, and exporter.plan_look
Table(
    "recheck",
    METADATA,
    Column("commitment_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("due_at", _INSTANT, nullable=False),
    Column("lease_token", Uuid),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("told", _JSON),
    ForeignKeyConstraint(["commitment_id"], [COMMITMENT.c.id]),
    Index("recheck_due", "connection", "due_at"),
)

CONNECTION = Table(
    "connection",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("missed_calls", Integer, nullable=False, server_default="0"),
    Column("open_since", _INSTANT),
    Column("try_at", _INSTANT),
    Column("trials", Integer, nullable=False, server_default="0"),
    Column("allowed", Integer),
    Column("paused_until", _INSTANT),
    Column("reason", Text),
    Column("last_contact", _INSTANT),
    Column("full_at", _INSTANT),
    Column("told_version", BigInteger, nullable=False, server_default="0"),
    Column("told", Text),
    # until then, a running process has it in its file; renewed all the time
    Column("configured_until", _INSTANT),
    # until then, a running process has it in its file as a former name, and exports what waits under it
    Column("formerly_until", _INSTANT),
)

# each conversation with the client of a polled ERP, by the hash of its ticket
CONVERSATION = Table(
    "conversation",
    METADATA,
    Column("ticket", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("began_at", _INSTANT, nullable=False),
    Column("last_call_at", _INSTANT, nullable=False),
    # what is asked at present, with the replies so far
    Column("progress", _JSON, nullable=False),
    Column("company_file", Text),
    Column("ended_at", _INSTANT),
    Index("conversation_open", "connection", unique=True, postgresql_where=text("ended_at is null")),
    Index("conversation_ended", "ended_at"),
)

# what is known of the client of a polled ERP
POLLER = Table(
    "poller",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("last_asked", _INSTANT),
    # why its last conversation could not do anything
    Column("trouble", Text),
    # the company file that the connection belongs to: the first one that was open
    Column("company_file", Text),
    # when each list was last read completely
    Column("lists_read", _JSON),
)

# the vendors, items and jobs of a polled ERP, as last read
REFERENCE = Table(
    "reference",
    METADATA,
    Column("connection", Text, primary_key=True),
    Column("list", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seen_at", _INSTANT, nullable=False),
    # kept, so that its version still rises when it comes back
    Column("is_gone", Boolean, nullable=False, server_default="false"),
)
