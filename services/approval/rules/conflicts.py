"""Why an answer came too late, in the words that its approver reads."""

from datetime import datetime, tzinfo

from schemas.fields import Status
from services.approval.rules.commitment import Commitment, View, view
from services.approval.rules.facts import Ruling, Stage

_NOT_RECORDED = "Your answer was not recorded."


def why(commitment: Commitment, revision: int, now: datetime, zone: tzinfo) -> str:
    """Why `commitment` cannot be answered as an approver saw it at `revision`; times are in `zone`."""
    seen = view(commitment)
    if seen is None:
        return f"Commitment {commitment.id} has not been sent. {_NOT_RECORDED}"
    number = seen.summary.number
    if seen.waiting_revision == revision:
        return f"Revision {revision} of {number} waits for the outcome of revision {seen.revision}. {_NOT_RECORDED}"
    if seen.revision != revision:
        return f"{number} is now revision {seen.revision}; you read revision {revision}. Nothing was exported."
    return _since_read(commitment, seen, _Clock(now, zone))


class _Clock:
    """Times as a person near `zone` says them `now`."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self._zone = zone
        self._today = now.astimezone(zone).date()

    def at(self, instant: datetime) -> str:
        """`at 09:15`, with the date where that was not today."""
        local = instant.astimezone(self._zone)
        day = "" if local.date() == self._today else f" on {local:%Y-%m-%d}"
        return f"at {local:%H:%M}{day}"


def _since_read(commitment: Commitment, seen: View, clock: _Clock) -> str:
    number = seen.summary.number
    if seen.ruling:
        return f"{_answered(commitment, seen.ruling, number, clock)} {_NOT_RECORDED}"
    if commitment.retrieved and seen.status is Status.RETRIEVED:
        taken_back = commitment.retrieved
        when = clock.at(taken_back.at)
        return f"{taken_back.by.name} retrieved {number} {when}. It no longer waits. {_NOT_RECORDED}"
    if seen.status is Status.DISPUTED:
        return f"Two different contents of {number} came as revision {seen.revision}. {_NOT_RECORDED}"
    return f"The content of {number} is not the one that you read. {_NOT_RECORDED}"


def _answered(commitment: Commitment, ruling: Ruling, number: str, clock: _Clock) -> str:
    approved = commitment.approved
    if ruling.stage is Stage.REJECTED:
        return f"{ruling.who} rejected {number} {clock.at(ruling.at)}."
    if ruling.settled_as:
        return f"{ruling.who} found {number} in the ERP {clock.at(ruling.at)}."
    if approved is None or approved.revision != ruling.revision:
        return f"{number} has been accepted."
    did = f"accepted {number}" if approved.round == 1 else f"ordered another export of {number}"
    return f"{approved.by.name} {did} {clock.at(approved.at)}."
