"""The line before an ERP that asks for work, as the API tells of it."""

from collections.abc import Mapping, Sequence

from schemas.events import DirectoryPerson
from schemas.fields import Status
from services.approval.rules.erp import target_erp
from services.approval.rules.polled import line_words
from services.approval.storage import directory, line
from services.approval.storage.queries import StoredCommitment
from services.approval.web.api.models import WaitingState
from services.pipeline.clock import utc_now
from services.pipeline.database import Transaction


async def waiting_states(
    db: Transaction, who: DirectoryPerson, commitments: Sequence[StoredCommitment]
) -> Mapping[str, WaitingState]:
    """Return what `who` reads of those of `commitments` that wait for an ERP that asks for work, by commitment id."""
    exporting = [each for each in commitments if each.current.status is Status.EXPORTING]
    erps = await directory.erps_of_company(db, who.company_id) if exporting else ()
    targets = {each.facts.id: target_erp(each.facts, erps) for each in exporting}
    places = await line.places(db, [(each.facts, each.current, targets[each.facts.id]) for each in exporting])
    states = {}
    for commitment_id, place in places.items():
        erp = targets[commitment_id]
        if erp and erp.poller:
            states[commitment_id] = WaitingState(
                connection=erp.name,
                erp=erp.title,
                place=place,
                last_asked=erp.poller.last_asked,
                every_seconds=erp.poller.every_seconds,
                is_away=erp.poller.is_away,
                trouble=erp.poller.trouble,
                message=line_words(erp, place, utc_now(), who.time_zone),
            )
    return states
