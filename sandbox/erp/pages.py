"""The ERP's pages: purchase orders, journal, faults and rules; journal and faults are also served as JSON."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sandbox.erp.faults import SLOWEST_SECONDS, Calls, ErpFault, ErpFaultKind
from sandbox.erp.rules import Rules
from sandbox.erp.server import Erp
from sandbox.fault_routes import add_fault_routes
from sandbox.pages import Answer, Pages, refuse_on_pages, wants_page
from schemas.fields import FailureClass, Money

LINKS = {"Purchase orders": "/", "Journal": "/journal", "Faults and rules": "/faults"}
SHOWN_ROWS = 200


def add_pages(app: FastAPI, erp: Erp, neighbours: Mapping[str, str] | None, unreadable: Answer) -> None:
    """Add the pages of `erp` to `app`; programs get the answer `unreadable` to a request that cannot be read."""
    pages = Pages("ERP", "erp", LINKS, neighbours)
    refuse_on_pages(app, pages, unreadable)
    _add_orders(app, erp, pages)
    _add_journal(app, erp, pages)
    _add_faults_and_rules(app, erp, pages)


def _add_orders(app: FastAPI, erp: Erp, pages: Pages) -> None:
    @app.get("/")
    async def index() -> HTMLResponse:
        documents = list(erp.books.documents.values())
        references = {document.order.reference for document in documents}
        return pages.render(
            "orders.html",
            documents=documents[: -SHOWN_ROWS - 1 : -1],
            count=len(documents),
            duplicates=len(documents) - len(references),
        )

    @app.get("/purchase-orders/{document_id}")
    async def one(document_id: str) -> HTMLResponse:
        document = erp.books.documents.get(document_id)
        if document is None:
            raise HTTPException(404, f"There is no purchase order {document_id}.")
        return pages.render("order.html", document=document, order=document.order)

    @app.post("/purchase-orders/{document_id}/total")
    async def change_total(request: Request, document_id: str, total: Annotated[Money, Form()]) -> RedirectResponse:
        erp.change_total(request, document_id, total)
        return RedirectResponse(f"/purchase-orders/{document_id}", status_code=303)

    @app.post("/purchase-orders/{document_id}/delete")
    async def delete(request: Request, document_id: str) -> RedirectResponse:
        erp.delete(request, document_id)
        return RedirectResponse("/", status_code=303)


def _add_journal(app: FastAPI, erp: Erp, pages: Pages) -> None:
    @app.get("/journal", response_model=None)
    async def journal(request: Request, reference: str | None = None) -> Response | dict[str, Any]:
        entries = erp.journal.about(reference or None)
        if wants_page(request):
            newest = entries[: -SHOWN_ROWS - 1 : -1]
            return pages.render("journal.html", entries=newest, count=len(entries), reference=reference or "")
        return {"entries": [entry.model_dump(mode="json", exclude={"order"}) for entry in entries]}


def _add_faults_and_rules(app: FastAPI, erp: Erp, pages: Pages) -> None:
    def page() -> HTMLResponse:
        return pages.render(
            "erp_faults.html",
            faults=erp.faults.faults,
            rules=erp.books.rules,
            kinds=list(ErpFaultKind),
            calls=list(Calls),
            classes=sorted(FailureClass),
            slowest_seconds=SLOWEST_SECONDS,
        )

    add_fault_routes(app, erp.faults, ErpFault, page)

    @app.post("/rules")
    async def change_rules(
        number_characters: Annotated[int, Form(ge=1)],
        closed_cost_codes: Annotated[str, Form()] = "",
        is_reference_unique: Annotated[bool, Form()] = False,  # noqa: FBT002 - a check box
    ) -> RedirectResponse:
        erp.books.rules = Rules(
            number_characters=number_characters,
            closed_cost_codes=frozenset(closed_cost_codes.split()),
            is_reference_unique=is_reference_unique,
        )
        return RedirectResponse("/faults", status_code=303)
