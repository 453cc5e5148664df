"""A read-only page of Tryton's purchases, as Tryton itself tells them, and the faults of the proxy."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse

from sandbox.erp.faults import Calls
from sandbox.fault_routes import add_fault_routes
from sandbox.faults import FaultInjector
from sandbox.pages import Pages, refuse_on_pages
from sandbox.tryton.faults import TrytonFault, TrytonFaultKind
from sandbox.tryton.rpc import Record, TrytonRpc
from schemas.commitment import document_name

LINKS = {"Purchases": "/", "Faults": "/faults"}
SHOWN_ROWS = 200
_HEAD = (
    *("number", "reference", "description", "comment", "state", "purchase_date", "untaxed_amount"),
    *("party.name", "party.code", "currency.code", "payment_term.name"),
)
_LINE = ("sequence", "description", "note", "quantity", "unit_price", "amount", "product.code", "unit.symbol")


def add_pages(
    app: FastAPI, rpc: TrytonRpc, injector: FaultInjector[TrytonFault], neighbours: Mapping[str, str] | None
) -> None:
    """Add the pages to `app`; functions without async, because they wait for Tryton in a thread."""
    pages = Pages("Tryton", "tryton", LINKS, neighbours, known_as="ERP")
    refuse_on_pages(app, pages)

    @app.get("/")
    def index() -> HTMLResponse:
        purchases = rpc.search("purchase.purchase", [], *_HEAD)[::-1]
        references = Counter(each["reference"] for each in purchases if each["reference"])
        duplicates = sum(count - 1 for count in references.values())
        return pages.render(
            "purchases.html", purchases=purchases[:SHOWN_ROWS], count=len(purchases), duplicates=duplicates
        )

    @app.get("/purchases/{purchase_id}")
    def one(purchase_id: int) -> HTMLResponse:
        found = rpc.search("purchase.purchase", [["id", "=", purchase_id]], *_HEAD)
        if not found:
            raise HTTPException(404, f"There is no purchase {purchase_id}.")
        name = document_name(found[0]["number"], str(purchase_id))
        return pages.render("purchase.html", purchase=found[0], name=name, lines=_lines(rpc, purchase_id))

    def faults_page() -> HTMLResponse:
        kinds, calls = list(TrytonFaultKind), list(Calls)
        return pages.render("tryton_faults.html", faults=injector.faults, kinds=kinds, calls=calls)

    add_fault_routes(app, injector, TrytonFault, faults_page)


def _lines(rpc: TrytonRpc, purchase_id: int) -> list[dict[str, Any]]:
    """Return the lines in the form of the table that all pages share."""
    return [_line(each) for each in rpc.search("purchase.line", [["purchase", "=", purchase_id]], *_LINE)]


def _line(row: Record) -> dict[str, Any]:
    return {
        "position": row["sequence"],
        "cost_code": (row["product."] or {}).get("code"),
        "cost_type": row["note"],
        "description": row["description"],
        "quantity": f"{row['quantity']:g}",
        "unit": (row["unit."] or {}).get("symbol"),
        "unit_cost": row["unit_price"],
        "amount": row["amount"],
    }
