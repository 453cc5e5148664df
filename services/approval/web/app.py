"""Approval's web application: the JSON API and the desk, each with its own kind of error response."""

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.approval.decisions import Decisions
from services.approval.identity.identity import Identity
from services.approval.identity.sign_in.errors import SignInError
from services.approval.settings import ApprovalSettings
from services.approval.web.api import problems
from services.approval.web.api.routes import api_router
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import add_desk
from services.approval.web.desk.errors import ErrorHandler
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.errors import CatchingUpError
from services.pipeline.outbox import Outbox

API_PREFIX = "/api/"
MAX_BODY_BYTES = 1_048_576


def build_app(
    settings: ApprovalSettings, database: Database, outbox: Outbox, require_caught_up: Callable[[], None]
) -> FastAPI:
    """Return the application; its OpenAPI document is at /api/v1/openapi.json."""
    app = FastAPI(
        title="Countersign approval",
        version="1",
        description="Read, accept and reject commitments that were sent to accounting.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        max_body_size=MAX_BODY_BYTES,
    )
    decisions, identity = Decisions(database, outbox, require_caught_up), Identity(settings, database)
    dependencies = Dependencies(settings, database, outbox, decisions, identity)
    app.include_router(api_router(dependencies))
    desk_handlers = add_desk(app, dependencies)
    api_handlers: dict[type[Exception], ErrorHandler] = {
        problems.ProblemError: problems.on_problem,
        SignInError: problems.on_sign_in_error,
        HTTPException: problems.on_http_error,
        RequestValidationError: problems.on_invalid,
        CatchingUpError: problems.on_catching_up,
        **dict.fromkeys(DATABASE_ERRORS, problems.on_database_unavailable),
    }
    for kind, handler in api_handlers.items():
        app.add_exception_handler(kind, _by_path(handler, desk_handlers.get(kind, handler)))
    return app


def _by_path(for_api: ErrorHandler, for_desk: ErrorHandler) -> ErrorHandler:
    async def handle(request: Request, error: Exception) -> Response:
        chosen = for_api if request.url.path.startswith(API_PREFIX) else for_desk
        return await chosen(request, error)

    return handle
