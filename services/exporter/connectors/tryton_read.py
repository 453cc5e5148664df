"""Reads a purchase as Tryton has it now, to check evidence and to notice changes."""

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.tryton_purchase import document_of, marker_in
from services.exporter.connectors.tryton_rows import LineRow, PurchaseAmountRow, PurchaseRow
from services.exporter.connectors.tryton_rpc import Domain, TrytonRpc
from services.exporter.connectors.tryton_settings import TrytonSettings
from services.exporter.connectors.types import ErpCopy, ErpLine, Gone, Refused

MAX_ID_DIGITS = 18


async def document_read(
    rpc: TrytonRpc, settings: TrytonSettings, table: FailureTable, name: str, deadline: float
) -> ErpCopy | Gone | Refused:
    """Return the purchase called `name` by id, number or reference, in this order; raises Stopped if that fails."""
    for domain in _domains(name):
        found = await rpc.rows(PurchaseRow, domain, deadline)
        if len(found) > 1:
            return table.refusal("document_ambiguous", "", {"value": name, "count": str(len(found))})
        if found:
            return await _copy(rpc, settings, found[0], deadline)
    gone = table.refusal("document_gone", "", {"value": name})
    return Gone(gone.failure_class, gone.message, gone.code, gone.owner, gone.next_step)


def is_id(name: str) -> bool:
    """Whether `name` can be the id of a record."""
    return name.isascii() and name.isdecimal() and len(name) <= MAX_ID_DIGITS


def _domains(name: str) -> list[Domain]:
    by_id: list[Domain] = [[["id", "=", int(name)]]] if is_id(name) else []
    return [*by_id, [["number", "=", name]], [["reference", "=", name]]]


async def _copy(rpc: TrytonRpc, settings: TrytonSettings, purchase: PurchaseRow, deadline: float) -> ErpCopy:
    amounts = await rpc.rows(PurchaseAmountRow, [["id", "=", purchase.id]], deadline)
    lines = await rpc.rows(LineRow, [["purchase", "=", purchase.id], ["type", "=", "line"]], deadline)
    marker = marker_in(purchase.comment, purchase.reference) if purchase.reference else None
    return ErpCopy(
        document_of(purchase.id, settings, purchase.number, marker),
        reference=purchase.reference,
        total=amounts[0].untaxed_amount if amounts else None,
        currency=amounts[0].currency.code if amounts else None,
        lines=tuple(ErpLine(each.amount, each.sequence, each.description) for each in lines if each.amount is not None),
    )
