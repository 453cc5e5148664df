"""The pages of QuickBooks: its purchase orders and lists, the Web Connector's conversations, and the faults."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse

from sandbox.erp.faults import SLOWEST_SECONDS, Calls
from sandbox.fault_routes import add_fault_routes
from sandbox.faults import FaultInjector
from sandbox.pages import Pages, refuse_on_pages
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.faults import QuickBooksFault, QuickBooksFaultKind
from sandbox.quickbooks.hresult import Hresult
from sandbox.quickbooks.journal import reference_in
from sandbox.quickbooks.lists import ListKind
from sandbox.quickbooks.orders import PurchaseOrder
from sandbox.quickbooks.program import QuickBooks
from sandbox.quickbooks.qbxml import Values
from sandbox.quickbooks.web_connector import WebConnector

LINKS = {"Purchase orders": "/", "Lists": "/lists", "Web Connector": "/web-connector", "Journal": "/journal"}
LINKS |= {"Faults": "/faults"}
LISTS = {ListKind.VENDOR: "Vendors", ListKind.ITEM: "Items", ListKind.CUSTOMER: "Customers and jobs"}
SHOWN_ROWS = 200


def add_pages(
    app: FastAPI,
    quickbooks: QuickBooks,
    web_connector: WebConnector,
    faults: FaultInjector[QuickBooksFault],
    neighbours: Mapping[str, str] | None,
) -> None:
    """Add the pages to `app`."""
    pages = Pages("QuickBooks Desktop", "quickbooks", LINKS, neighbours, known_as="ERP")
    refuse_on_pages(app, pages)
    _add_orders(app, quickbooks, pages)
    _add_program(app, quickbooks)
    _add_lists(app, quickbooks, pages)
    _add_web_connector(app, quickbooks, web_connector, pages)

    @app.get("/journal")
    async def journal() -> HTMLResponse:
        entries = quickbooks.journal.entries
        newest, violations = entries[: -SHOWN_ROWS - 1 : -1], quickbooks.journal.violations
        return pages.render("journal.html", entries=newest, count=len(entries), violations=violations)

    def faults_page() -> HTMLResponse:
        return pages.render(
            "quickbooks_faults.html",
            faults=faults.faults,
            kinds=list(QuickBooksFaultKind),
            calls=list(Calls),
            hresults=list(Hresult),
            slowest_seconds=SLOWEST_SECONDS,
        )

    add_fault_routes(app, faults, QuickBooksFault, faults_page)


def _add_orders(app: FastAPI, quickbooks: QuickBooks, pages: Pages) -> None:
    @app.get("/")
    async def index() -> HTMLResponse:
        orders = list(quickbooks.open_file.orders.values())
        references = Counter(filter(None, map(_reference, orders)))
        return pages.render(
            "orders.html",
            quickbooks=quickbooks,
            orders=orders[: -SHOWN_ROWS - 1 : -1],
            count=len(orders),
            duplicates=sum(count - 1 for count in references.values()),
        )

    @app.get("/purchase-orders/{txn_id}")
    async def one(txn_id: str) -> HTMLResponse:
        order = _order(quickbooks.open_file, txn_id)
        return pages.render("order.html", order=order, lines=[_line(each) for each in order.lines])

    @app.post("/purchase-orders/{txn_id}/delete")
    async def delete(txn_id: str) -> RedirectResponse:
        _order(quickbooks.open_file, txn_id)
        quickbooks.open_file.delete_by_hand(txn_id)
        return _to("/")


def _add_program(app: FastAPI, quickbooks: QuickBooks) -> None:
    @app.post("/program")
    async def change(
        is_running: Annotated[bool, Form()],
        has_dialog: Annotated[bool, Form()] = False,  # noqa: FBT002 - a field of a form
    ) -> RedirectResponse:
        quickbooks.is_running, quickbooks.has_dialog = is_running, has_dialog
        return _to("/")

    @app.post("/company-file")
    async def open_file(path: Annotated[str, Form()]) -> RedirectResponse:
        try:
            quickbooks.open(path)
        except LookupError as error:
            raise HTTPException(404, f"There is no company file {path}.") from error
        return _to("/")

    @app.post("/backup")
    async def back_up() -> RedirectResponse:
        quickbooks.back_up()
        return _to("/")

    @app.post("/backup/restore")
    async def restore() -> RedirectResponse:
        quickbooks.restore()
        return _to("/")


def _add_lists(app: FastAPI, quickbooks: QuickBooks, pages: Pages) -> None:
    @app.get("/lists")
    async def lists() -> HTMLResponse:
        books = quickbooks.open_file.books.lists
        lists = [(title, kind, books.of(kind)) for kind, title in LISTS.items()]
        return pages.render("lists.html", file=quickbooks.open_file.name, lists=lists)

    @app.post("/lists")
    async def add(kind: Annotated[ListKind, Form()], name: Annotated[str, Form(min_length=1)]) -> RedirectResponse:
        try:
            quickbooks.open_file.books.lists.add(kind, name.strip(), datetime.now(UTC))
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return _to("/lists")

    @app.post("/lists/{list_id}")
    async def set_active(list_id: str, is_active: Annotated[bool, Form()]) -> RedirectResponse:
        books = quickbooks.open_file.books.lists
        if list_id not in books.entries:
            raise HTTPException(404, f"There is no list entry {list_id}.")
        books.set_active(list_id, is_active=is_active)
        return _to("/lists")


def _add_web_connector(app: FastAPI, quickbooks: QuickBooks, web_connector: WebConnector, pages: Pages) -> None:
    @app.get("/web-connector")
    async def sessions() -> HTMLResponse:
        newest = list(reversed(web_connector.sessions))
        path = quickbooks.files[0].path
        return pages.render("web_connector.html", web_connector=web_connector, path=path, sessions=newest)

    @app.post("/web-connector")
    async def pause(is_paused: Annotated[bool, Form()]) -> RedirectResponse:
        web_connector.is_paused = is_paused
        return _to("/web-connector")


def _order(file: CompanyFile, txn_id: str) -> PurchaseOrder:
    order = file.orders.get(txn_id)
    if order is None:
        raise HTTPException(404, f"There is no purchase order {txn_id} in {file.name}.")
    return order


def _reference(order: PurchaseOrder) -> str | None:
    return reference_in(str(order.head.get("Memo", "")))


def _line(line: Values) -> dict[str, Any]:
    """Return a line as the page shows it."""
    return {
        "item": _name(line, "ItemRef"),
        "description": line.get("Desc", ""),
        "quantity": line.get("Quantity", ""),
        "unit": line.get("UnitOfMeasure", ""),
        "rate": line.get("Rate", "0"),
        "job": _name(line, "CustomerRef"),
        "amount": line.get("Amount", "0"),
    }


def _name(line: Values, ref: str) -> str:
    found = line.get(ref)
    return str(found["FullName"]) if isinstance(found, dict) else ""


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)
