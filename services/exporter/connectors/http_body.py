"""The document that the HTTP contract carries, built from a WriteRequest."""

import orjson

from services.exporter.connectors.types import WriteRequest


def document_body(request: WriteRequest) -> bytes:
    """The JSON body of a create or update; members that the commitment lacks are left out."""
    commitment = request.commitment.model_dump(mode="json", exclude_none=True)
    own = {
        "reference": request.reference,
        "marker": request.marker,
        "company_id": request.company_id,
        "revision": request.revision,
        "erp_code": request.erp_code,
        "accounting_date": request.accounting_date.isoformat() if request.accounting_date else None,
        "memo": memo(request),
    }
    taken = {name: commitment.get(name) for name in _TAKEN}
    return orjson.dumps({name: value for name, value in (own | taken).items() if value is not None})


def memo(request: WriteRequest) -> str:
    """The text for the document's memo field: the marker, by which it is recognised, then the approver's note."""
    return f"{request.marker}\n{request.note}" if request.note else request.marker


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
