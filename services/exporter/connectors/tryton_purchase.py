"""The content of a purchase as Tryton stores it, and the documents that purchases are to us."""

from datetime import date
from decimal import Decimal
from typing import Any

from services.exporter.connectors.tryton_mapping import Mapped, MappedLine
from services.exporter.connectors.tryton_rows import PurchaseRow
from services.exporter.connectors.tryton_settings import TrytonSettings
from services.exporter.connectors.types import FoundDocument, WriteRequest
from services.exporter.connectors.wording import one_line

Values = dict[str, Any]


def created_values(request: WriteRequest, mapping: Mapped, company: int) -> Values:
    """Return the values of a new purchase; what is not named here gets Tryton's own default."""
    return {
        "company": company,
        **_head(request, mapping),
        "lines": _new_lines(mapping),
    }


def updated_values(request: WriteRequest, mapping: Mapped, purchase: PurchaseRow) -> Values:
    """Return the values that replace the content of `purchase`, its lines in the same transaction."""
    former: list[Any] = [["delete", [*purchase.lines]]] if purchase.lines else []
    return {**_head(request, mapping), "lines": [*former, *_new_lines(mapping)]}


def document_of(purchase_id: int, settings: TrytonSettings, number: str | None, marker: str | None) -> FoundDocument:
    """Return a purchase as a document, which opens where the settings say."""
    template = settings.document_url
    url = template.replace("{id}", str(purchase_id)) if template else None
    return FoundDocument(str(purchase_id), number, url, marker)


def marker_in(comment: str | None, reference: str) -> str | None:
    """Return our marker: the first line of the comment that looks like one, wherever people have moved it."""
    lines = (line.strip() for line in (comment or "").splitlines())
    return next((line for line in lines if line.startswith(f"{reference}/")), None)


def _head(request: WriteRequest, mapping: Mapped) -> Values:
    """Return the head, without what nobody has asked for: an accountant may have filled that in."""
    commitment = request.commitment
    values = {
        "reference": request.reference,
        "description": one_line(f"{commitment.number} {commitment.title}"),
        "comment": _comment(request),
        "party": mapping.party.id,
        "invoice_address": next(iter(mapping.party.addresses), None),
        "payment_term": mapping.payment_term,
        "currency": mapping.currency,
        "purchase_date": _date(request.accounting_date) if request.accounting_date else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _new_lines(mapping: Mapped) -> list[Any]:
    """Return the operation that creates the lines; a commitment may have none."""
    return [["create", [_line(each) for each in mapping.lines]]] if mapping.lines else []


def _comment(request: WriteRequest) -> str:
    """Return the marker, and below it what Tryton has no field for."""
    commitment = request.commitment
    project, retainage = commitment.project, commitment.retainage_percent
    parts = (
        request.marker,
        " ".join(filter(None, ("Job", project.erp_job_code, project.number, project.name))),
        f"Retainage {retainage} %" if retainage is not None else None,
        f"Number asked for: {request.erp_code}" if request.erp_code else None,
        request.note,
        commitment.description,
    )
    return "\n".join(filter(None, parts))


def _line(mapping: MappedLine) -> Values:
    line = mapping.line
    return {
        "type": "line",
        "sequence": line.position,
        "product": mapping.product,
        "unit": mapping.unit,
        "quantity": float(line.quantity),
        "unit_price": _without_zeros(Decimal(line.unit_cost)),
        "description": line.description or line.cost_code,
        "note": _note(mapping),
        "taxes": [["add", [*mapping.taxes]]] if mapping.taxes else [],
    }


def _note(mapping: MappedLine) -> str | None:
    """Return what Tryton has no field for; without products, also the cost code."""
    line = mapping.line
    cost_code = f"Cost code {line.cost_code}" if line.cost_code else None
    return ", ".join(filter(None, (cost_code, f"type {line.cost_type}" if line.cost_type else None))) or None


def _without_zeros(value: Decimal) -> Decimal:
    """Return `value` without zeros at its end, which Tryton would count as digits."""
    normal = value.normalize()
    return normal.quantize(Decimal(1)) if int(normal.as_tuple().exponent) > 0 else normal


def _date(day: date) -> Values:
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}
