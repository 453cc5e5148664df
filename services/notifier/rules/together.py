"""Which mails go out as one message: those to one person, of one occasion, whose events happened close together."""

import json
from datetime import datetime, timedelta
from hashlib import sha256

from services.notifier.rules.mails.mail import Mail

WAIT = timedelta(seconds=3)
"""How long a mail waits for others of its occasion; it goes once none has come for so long."""
LONGEST_WAIT = timedelta(seconds=15)
"""After which it goes although others still come."""
MAX_APART = timedelta(minutes=1)
"""How far apart the events may be; later ones are another occasion, even if all are queued at once after an outage."""
MAX_MAILS = 100
"""How many mails one message may stand for."""


def occasion_of(mail: Mail) -> str | None:
    """A hash that the mails of one occasion to one person share; None for a mail that always goes alone."""
    several = mail.type.several
    shared = several.occasion(mail.data) if several else None
    if shared is None:
        return None
    named = (mail.kind, mail.data.company_id, mail.recipient.id, mail.recipient.email or "", *shared)
    return sha256(json.dumps(named).encode()).hexdigest()


def first_attempt_at(mail: Mail) -> datetime:
    """When `mail` is due: at once, or after WAIT if others may follow that go out with it."""
    if occasion_of(mail) is not None:
        return mail.created_at + WAIT
    # at once, whichever of the two clocks is ahead of the database's
    return min(mail.created_at, mail.occurred_at)
