"""The document that the HTTP contract carries, made of an order."""

import orjson

from services.exporter.connectors.types import Order


def document_body(order: Order) -> bytes:
    """The JSON body of a create or update; members that the commitment lacks are left out."""
    commitment = order.commitment.model_dump(mode="json", exclude_none=True)
    own = {
        "reference": order.reference,
        "marker": order.marker,
        "company_id": order.company_id,
        "revision": order.revision,
        "erp_code": order.erp_code,
        "accounting_date": order.accounting_date.isoformat() if order.accounting_date else None,
        "memo": memo(order),
    }
    taken = {name: commitment.get(name) for name in _TAKEN}
    return orjson.dumps({name: value for name, value in (own | taken).items() if value is not None})


def memo(order: Order) -> str:
    """The text for the document's memo field: the marker, by which it is recognised, then the approver's note."""
    return f"{order.marker}\n{order.note}" if order.note else order.marker


_TAKEN = (
    "kind",
    "number",
    "title",
    "description",
    "currency",
    "total",
    "retainage_percent",
    "project",
    "vendor",
    "lines",
)
