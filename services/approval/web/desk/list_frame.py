"""What stands around every list: the views with their counts, the figures of the list, and its filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.rules.marks import Mark
from services.approval.storage import directory, marks, queries, tallies
from services.approval.storage.tallies import Facets, Tally
from services.approval.storage.views import DeskView
from services.approval.web.desk.addresses import ListQuery
from services.pipeline.database import Transaction


@dataclass(frozen=True, slots=True)
class ListFrame:
    """The views' `counts`, the `tally` of the list as it is filtered, and the `facets` of its view, at an instant."""

    counts: dict[DeskView, int]
    tally: Tally
    facets: Facets
    erps: Sequence[ErpConnection]
    at: datetime
    held: Sequence[Mark] = ()
    """What the person has accepted and can still undo."""

    own: Sequence[Mark] = ()
    """What the person has marked and not sent, or had sent and could not be carried out."""

    @property
    def problems(self) -> Sequence[Mark]:
        """What the person had sent and could not be carried out."""
        return [mark for mark in self.own if mark.problem]

    def seconds_left(self, mark: Mark) -> int:
        """For how long `mark` can still be undone."""
        return max(0, ceil((mark.due_at - self.at).total_seconds())) if mark.due_at else 0


async def list_frame(db: Transaction, person: DirectoryPerson, query: ListQuery, now: datetime) -> ListFrame:
    """Return the frame of a list of the person's company."""
    company = person.company_id
    return ListFrame(
        dict(await tallies.counts(db, company)),
        await queries.tally(db, company, query.view, query.filter, now=now),
        await tallies.facets(db, company, query.view),
        await directory.erps_of_company(db, company),
        now,
        await marks.held_of_person(db, person) if person.is_approver else (),
        await marks.of_person(db, person) if person.is_approver else (),
    )
