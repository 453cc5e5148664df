"""Who gets the daily summary: what a person wishes, what the directory says, and what is told of a new wish."""

from collections.abc import Sequence
from datetime import datetime

from schemas.events import DigestPreference, DirectoryPerson
from services.pipeline.newest import Newest

TITLE = "ERP Integrations Daily Summary"


def new_wish(
    known: Newest[DigestPreference], company_id: str, now: datetime, *, subscribed: bool, is_up_to_date: bool
) -> DigestPreference | None:
    """Return the wish to keep and to tell; None if it is the known one, which is told once however often it is sent.

    Where `known` may not be the last one, as in a database that was restored, every wish is told.
    """
    if is_up_to_date and known.record is not None and known.record.subscribed == subscribed:
        return None
    # above whatever was told before, also if our clock was set back
    version = max(known.version + 1, int(now.timestamp() * 1000))
    return DigestPreference(company_id=company_id, person_id=known.key, version=version, subscribed=subscribed)


def state_words(person: DirectoryPerson, *, is_wanted: bool) -> Sequence[str]:
    """Say whether the person gets the daily summary, and each reason why not."""
    reasons = [
        *([] if is_wanted else [f"You have stopped the mail '{TITLE}'."]),
        *([] if person.digest_subscribed else ["Your company's directory says that you do not get it."]),
        *([] if person.is_approver else ["Only accounting approvers get it."]),
    ]
    if not reasons:
        return [f"You get the mail '{TITLE}' every morning on which a commitment waits for an accounting approver."]
    return [f"You do not get the mail '{TITLE}'.", *reasons] if is_wanted else reasons
