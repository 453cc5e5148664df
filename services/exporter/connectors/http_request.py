"""The body and headers of an HTTP request that writes a document."""

from urllib.parse import quote

import orjson

from services.exporter.connectors.types import WriteRequest

_COMMITMENT_MEMBERS = {
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
}


def request_body(request: WriteRequest) -> bytes:
    """Return the document as JSON, without the members that have no value."""
    document = {
        "reference": request.reference,
        "marker": request.marker,
        "company_id": request.company_id,
        "revision": request.revision,
        "erp_code": request.erp_code,
        "accounting_date": request.accounting_date.isoformat() if request.accounting_date else None,
        "memo": _memo(request),
        **request.commitment.model_dump(mode="json", include=_COMMITMENT_MEMBERS, exclude_none=True),
    }
    return orjson.dumps({name: value for name, value in document.items() if value is not None})


def request_headers(request: WriteRequest) -> dict[str, str]:
    """Return the headers of a write; the marker is the idempotency key."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": quote(request.marker, safe="/")}
    return headers | ({"traceparent": request.traceparent} if request.traceparent else {})


def _memo(request: WriteRequest) -> str:
    """Return the marker, then the approver's note: an ERP without a field for the marker can keep it in the memo."""
    return f"{request.marker}\n{request.note}" if request.note else request.marker
