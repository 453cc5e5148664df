"""Tells the sender of a submission that was set aside what is wrong with it, as far as it can be read."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from schemas.commitment import Person
from schemas.envelope import Event, new_event
from schemas.events import CommitmentResent, CommitmentSent, SubmissionRefused
from schemas.fields import Id, Name, Revision, Title, Url, valid_or_none
from schemas.limits import MAX_MESSAGE_BYTES
from schemas.message import loose_members
from services.approval.rules.status import SOURCE
from services.pipeline.records import Record

SUBMISSIONS = frozenset({CommitmentSent.topic, CommitmentResent.topic})
_CORRECT_THE_TOOL = "Whoever runs the project's tool has to correct what it sends. Then send it to accounting again."
NEXT_STEPS = {
    "undecodable": _CORRECT_THE_TOOL,
    "schema": _CORRECT_THE_TOOL,
    "key_mismatch": _CORRECT_THE_TOOL,
    "unknown_type": _CORRECT_THE_TOOL,
    "too_large": "Make it smaller, for example as two commitments, and send it to accounting again.",
}
"""For each reason that the sender has to act on; the others are ours."""

_ID: TypeAdapter[str] = TypeAdapter(Id)
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_TITLE: TypeAdapter[str] = TypeAdapter(Title)
_URL: TypeAdapter[str] = TypeAdapter(Url)
_REVISION: TypeAdapter[int] = TypeAdapter(Revision)
_PERSON: TypeAdapter[Person] = TypeAdapter(Person)


def refusal(record: Record, reason: str, why: str, now: datetime) -> Event[SubmissionRefused] | None:
    """The event about `record`, set aside for `reason`; None if nobody can be told, or the fault is ours."""
    if record.partition.topic not in SUBMISSIONS or reason not in NEXT_STEPS:
        return None
    if not record.value or len(record.value) > 2 * MAX_MESSAGE_BYTES:
        return None
    data = loose_members(record.value)
    commitment, key = _members(data.get("commitment")), (record.key or b"").decode(errors="replace")
    company_id = valid_or_none(_ID, data.get("company_id"))
    commitment_id = valid_or_none(_ID, commitment.get("id")) or valid_or_none(_ID, key)
    if not (company_id and commitment_id):
        return None
    number = valid_or_none(_NAME, commitment.get("number"))
    told = SubmissionRefused(
        company_id=company_id,
        project_id=valid_or_none(_ID, data.get("project_id")),
        commitment_id=commitment_id,
        revision=valid_or_none(_REVISION, data.get("revision")),
        message_hash=hashlib.sha256(record.value).hexdigest(),
        reason=reason,
        message=f"{number or 'The commitment'} did not reach accounting: {why}.",
        next_step=NEXT_STEPS[reason],
        number=number,
        title=valid_or_none(_TITLE, commitment.get("title")),
        project=valid_or_none(_NAME, _members(commitment.get("project")).get("name")),
        url=valid_or_none(_URL, commitment.get("url")),
        creator=valid_or_none(_PERSON, commitment.get("creator")),
        sent_by=valid_or_none(_PERSON, data.get("sent_by")),
    )
    return new_event(told, source=SOURCE, time=now)


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
