"""Delegations: an approver hands their amount limit, and nothing else, to another approver from a day to a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from schemas.events import DirectoryPerson
from schemas.fields import Day, Id
from schemas.zones import zone_info

MAX_DELEGATIONS = 20
"""Of one person that are not over."""

MAX_DAYS = 366
TOO_MANY = f"You have {MAX_DELEGATIONS} delegations that are not over. End one of them first"


class NewDelegation(BaseModel):
    """Hand your amount limit to another approver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Id = Field(description="The id of the approver who gets it.")
    first_day: Day = Field(description="The first day on which it holds, where you are.")
    last_day: Day = Field(description="The last day on which it holds, where you are.")


@dataclass(frozen=True, slots=True)
class Delegation:
    """A limit that `owner_id` has handed to `to_id`; its days are those where the owner is."""

    id: str
    owner_id: str
    to_id: str
    first_day: date
    last_day: date

    def is_in_force(self, owner: DirectoryPerson, now: datetime) -> bool:
        """Whether it holds `now`, where its owner is."""
        return self.first_day <= day_of(owner, now) <= self.last_day


def day_of(person: DirectoryPerson, now: datetime) -> date:
    """The day that it is `now` where `person` is."""
    return now.astimezone(zone_info(person.time_zone)).date()


@dataclass(frozen=True, slots=True)
class WrongMember:
    """What is wrong with a member of a new delegation."""

    member: str
    text: str


def wrong_members(
    wanted: NewDelegation, owner: DirectoryPerson, to: DirectoryPerson | None, now: datetime
) -> Sequence[WrongMember]:
    """What is wrong with a delegation from `owner` to the person whom it names, None if the directory has none."""
    wrong = []
    if to is None or to.company_id != owner.company_id or not to.is_approver:
        wrong.append(WrongMember("to", "Choose an accounting approver of your company"))
    elif to.person_id == owner.person_id:
        wrong.append(WrongMember("to", "Choose somebody else than yourself"))
    if wanted.last_day < wanted.first_day:
        wrong.append(WrongMember("last_day", "The last day must not be before the first day"))
    elif wanted.last_day < day_of(owner, now):
        wrong.append(WrongMember("last_day", "The last day must not be over"))
    elif wanted.last_day - wanted.first_day >= timedelta(days=MAX_DAYS):
        wrong.append(WrongMember("last_day", f"A delegation lasts at most {MAX_DAYS} days"))
    return wrong
