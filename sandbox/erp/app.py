"""The web application of the ERP: its documents API, the API of its rules, and its pages."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from sandbox.erp.books import CallResult
from sandbox.erp.order import Order
from sandbox.erp.pages import add_pages
from sandbox.erp.problem import Problem
from sandbox.erp.rules import Rules
from sandbox.erp.server import Erp
from sandbox.pages import bare_app
from schemas.fields import Code, Id


def build_erp(erp: Erp, neighbours: Mapping[str, str] | None = None) -> FastAPI:
    """Build the application that serves `erp`."""
    app = bare_app("ERP")
    _add_refusals(app, erp)
    bearer = Depends(_bearer_of(erp))
    _add_reading(app, erp, bearer)
    _add_writing(app, erp, bearer)
    _add_rules(app, erp)
    add_pages(app, erp, neighbours, _unreadable_for(erp))
    return app


class _UnauthorisedError(Exception):
    """The caller has no valid token: 401, before anything else is checked."""


def _add_refusals(app: FastAPI, erp: Erp) -> None:
    @app.exception_handler(_UnauthorisedError)
    async def unauthorised(request: Request, _error: _UnauthorisedError) -> Response:
        problem = Problem(401, "unauthorised", "Unauthorised", "This needs Authorization: Bearer with the ERP's token.")
        response = erp.refuse(request, problem)
        response.headers["www-authenticate"] = "Bearer"
        return response


def _unreadable_for(erp: Erp) -> Callable[[Request, RequestValidationError], Awaitable[Response]]:
    async def unreadable(request: Request, error: RequestValidationError) -> Response:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        return erp.refuse(request, Problem(422, "invalid", "Unreadable request", "; ".join(problems)))

    return unreadable


def _bearer_of(erp: Erp) -> Callable[[Request], Awaitable[None]]:
    async def bearer(request: Request) -> None:  # a plain function would be called in a thread
        if not erp.is_authorised(request):
            raise _UnauthorisedError

    return bearer


def _add_reading(app: FastAPI, erp: Erp, bearer: params.Depends) -> None:
    @app.get("/documents", dependencies=[bearer])
    async def search(
        request: Request,
        reference: Annotated[Id | None, Query()] = None,
        number: Annotated[Code | None, Query()] = None,
    ) -> Response:
        def operation(_now: datetime) -> CallResult:
            return erp.books.search(reference) if reference else erp.books.numbered(number or "")

        return await erp.handle(request, operation, reference=reference)

    @app.get("/documents/{document_id}", dependencies=[bearer])
    async def read(request: Request, document_id: str) -> Response:
        def operation(_now: datetime) -> CallResult:
            return erp.books.read(document_id)

        return await erp.handle(request, operation, reference=None)


def _add_writing(app: FastAPI, erp: Erp, bearer: params.Depends) -> None:
    @app.post("/documents", dependencies=[bearer])
    async def create(request: Request, order: Order) -> Response:
        def operation(now: datetime) -> CallResult:
            return erp.books.create(order, now)

        return await erp.handle(request, operation, reference=order.reference, order=order)

    @app.put("/documents/{document_id}", dependencies=[bearer])
    async def update(request: Request, document_id: str, order: Order) -> Response:
        def operation(now: datetime) -> CallResult:
            return erp.books.update(document_id, order, now)

        return await erp.handle(request, operation, reference=order.reference, order=order)

    @app.delete("/documents/{document_id}", dependencies=[bearer])
    async def delete(request: Request, document_id: str) -> Response:
        return erp.delete(request, document_id)


def _add_rules(app: FastAPI, erp: Erp) -> None:
    @app.put("/rules")
    async def replace_rules(rules: Rules) -> Rules:
        erp.books.rules = rules
        return rules
