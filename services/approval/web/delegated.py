"""What the desk and the API do about delegations: they show a person's own, and add one or say what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.commitment import Person
from schemas.events import DirectoryPerson
from services.approval.rules.delegations import (
    TOO_MANY,
    Delegation,
    NewDelegation,
    WrongMember,
    day_of,
    wrong_members,
)
from services.approval.storage import delegations, directory
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class ShownDelegation:
    """A delegation that somebody has given or got, with both people as they are now."""

    given: Delegation
    owner: Person
    to: Person
    is_in_force: bool
    """Whether it holds now; not if one of the two is no approver any more."""

    is_theirs: bool
    """Whether the person who looks has given it."""


async def shown_delegations(db: Transaction, who: DirectoryPerson, now: datetime) -> list[ShownDelegation]:
    """Return those that `who` has given or got and that are not over, by their first day."""
    found = await delegations.of_person(db, who, now)
    people = await directory.people(db, {person for each in found for person in (each.owner_id, each.to_id)})
    shown = []
    for each in found:
        owner, to = people.get(each.owner_id), people.get(each.to_id)
        if owner and to and each.last_day >= day_of(owner, now):
            holds = owner.is_approver and to.is_approver and each.is_in_force(owner, now)
            is_theirs = each.owner_id == who.person_id
            shown.append(ShownDelegation(each, owner.as_person, to.as_person, holds, is_theirs))
    return shown


async def delegate(
    db: Transaction, owner: DirectoryPerson, wanted: NewDelegation, now: datetime
) -> Delegation | Sequence[WrongMember]:
    """Add the delegation and return it, or return what is wrong with it."""
    to = await directory.person(db, wanted.to)
    if wrong := wrong_members(wanted, owner, to, now):
        return wrong
    return await delegations.add(db, owner, wanted, now) or [WrongMember("to", TOO_MANY)]
