"""What the notifier forgets: first what a settled mail said and to whom, much later that there was a mail."""

from datetime import datetime

from sqlalchemy import literal_column, select, update

from services.notifier.storage.tables import MAIL
from services.pipeline.database import Transaction
from services.pipeline.retention import MAX_ROWS, RetentionRule, Swept, delete_oldest, remove, row_address

# a hash goes as well, since an address can be guessed from one
_WITHOUT_CONTENTS = {"event_data": "", "recipient_name": "", "recipient_email": "", "together": None}


def rules(contents_days: int, mails_days: int) -> tuple[RetentionRule, ...]:
    """Return the notifier's rules; the key of a mail stays for long, since it prevents a second one."""
    return (
        RetentionRule("mail_contents", contents_days, sweep_contents),
        RetentionRule("mail", mails_days, sweep_mails),
    )


async def sweep_contents(db: Transaction, after: str, before: datetime) -> Swept:
    """Empty settled mails."""
    del after
    has_contents = MAIL.c.event_data != literal_column("''")  # as the index says it, which a parameter might not match
    chosen = select(row_address(MAIL)).where(MAIL.c.settled_at < before, has_contents)
    rows = await remove(db, update(MAIL).values(_WITHOUT_CONTENTS), chosen.order_by(MAIL.c.settled_at))
    return Swept(rows, "" if rows == MAX_ROWS else None)


async def sweep_mails(db: Transaction, after: str, before: datetime) -> Swept:
    """Delete settled mails."""
    del after
    return await delete_oldest(db, MAIL, MAIL.c.settled_at, before)
