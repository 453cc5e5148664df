"""The notifier's tables: one row for each mail, and the tables of the pipeline."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from services.notifier.rules.delivery import OPEN, MailState
from services.pipeline.tables import kernel_tables

METADATA = MetaData(schema="notifier")
KERNEL = kernel_tables(METADATA)

_STATES = ", ".join(f"'{state}'" for state in MailState)
_OPEN_STATES = ", ".join(f"'{state}'" for state in OPEN)

# A row keeps the event's data, and each attempt composes the message from it: a mistake in a template then delays the
# mail instead of making the event a dead letter. A repeat is the same message, because the row has all that it needs.
MAIL = Table(
    "mail",
    METADATA,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("recipient_id", Text, primary_key=True),
    Column("recipient_name", Text, nullable=False),
    Column("recipient_email", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("company_id", Text, nullable=False),
    Column("commitment_id", Text),  # null for the daily summary
    Column("event_data", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("traceparent", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # while sending: when the lease expires
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("lost_answers", Integer, nullable=False, server_default="0"),
    Column("interruptions", Integer, nullable=False, server_default="0"),
    Column("smtp_answer", Text),
    Column("settled_at", DateTime(timezone=True)),
    Column("together", Text),  # the same for all mails of one occasion to one person; null if it always goes alone
    # the event of the mail in whose message it goes out, its own if it is that one; null before the first attempt
    Column("sent_with", UUID(as_uuid=True)),
    # where its event was read
    Column("read_partition", Integer),
    Column("read_offset", BigInteger),
    CheckConstraint(f"state in ({_STATES})", name="mail_state_is_known"),
    CheckConstraint(f"(state in ({_OPEN_STATES})) = (next_attempt_at is not null)", name="mail_is_due_while_open"),
)
Index("mail_due", MAIL.c.next_attempt_at, postgresql_where=MAIL.c.next_attempt_at.is_not(None))
Index("mail_oldest_open", MAIL.c.created_at, postgresql_where=MAIL.c.next_attempt_at.is_not(None))
Index("mail_set_aside", MAIL.c.event_id, postgresql_where=text("state = 'set_aside'"))
Index("mail_by_commitment", MAIL.c.commitment_id, postgresql_where=MAIL.c.commitment_id.is_not(None))
Index("mail_by_digest_recipient", MAIL.c.recipient_id, postgresql_where=MAIL.c.commitment_id.is_(None))
Index(
    "mail_not_yet_together",
    MAIL.c.together,
    MAIL.c.next_attempt_at,
    MAIL.c.event_id,
    postgresql_where=text("together is not null and sent_with is null and attempts = 0 and state = 'pending'"),
)
Index(
    "mail_by_message",
    MAIL.c.sent_with,
    MAIL.c.recipient_id,
    postgresql_where=text("sent_with is not null and next_attempt_at is not null"),
)
Index("mail_settled", MAIL.c.settled_at, postgresql_where=MAIL.c.settled_at.is_not(None))
Index("mail_with_contents", MAIL.c.settled_at, postgresql_where=text("settled_at is not null and event_data <> ''"))
