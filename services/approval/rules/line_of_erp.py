"""The line before an ERP that asks for work: what decides which line an accepted commitment stands in."""

import json
from collections.abc import Sequence

from schemas.events import ErpConnection
from schemas.fields import Kind, Status
from schemas.routing import Routed, destination
from services.approval.rules.commitment import CommitmentFacts, CurrentStatus
from services.approval.rules.erp import bound_connection

Route = str
"""What decides where a commitment goes, as JSON: the connection that it is bound to, project id and number, currency,
kind. Many commitments have the same one."""


def route(facts: CommitmentFacts, current: CurrentStatus | None) -> Route | None:
    """The route of a commitment that waits for its ERP; None for any other."""
    if current is None or current.status is not Status.EXPORTING:
        return None
    sent = current.submitted
    decisive = (sent.project_id, sent.project_number, sent.summary.currency, sent.summary.kind.value)
    return json.dumps([bound_connection(facts), *decisive])


def erp_on(way: Route, company_id: str, erps: Sequence[ErpConnection]) -> ErpConnection | None:
    """The one of `erps`, in the order of their priority, for which commitments with this route wait; None without."""
    bound, project_id, project_number, currency, kind = json.loads(way)
    if bound is not None:
        return next((erp for erp in erps if company_id in erp.companies and bound in erp.names), None)
    return destination(Routed(company_id, project_id, project_number, currency, Kind(kind)), erps)
