"""Approval's web application: the JSON API and the desk, each with its own kind of error response."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse

from services.approval.decisions import Decisions
from services.approval.holding import HeldAnswers
from services.approval.identity.identity import Identity
from services.approval.identity.sign_in.errors import SignInError, TooManyRequestsError
from services.approval.preferences import Preferences
from services.approval.questions import Questions
from services.approval.rules.approval_rules import DEFAULTS, ApprovalRules
from services.approval.settings import ApprovalSettings
from services.approval.web.admission import API, Admission
from services.approval.web.api import problems
from services.approval.web.api.item_limit import ItemLimit
from services.approval.web.api.open_api import add_open_api
from services.approval.web.api.routes import api_router
from services.approval.web.api.senders import RateLimitHeaders
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk import add_desk
from services.approval.web.desk.errors import ErrorHandler
from services.approval.web.desk.pages import Pages, safe_headers
from services.approval.web.readers import Readers
from services.approval.web.sign_in_troubles import SignInTroubles
from services.approval.web.story import Stories
from services.pipeline.body_limit import MAX_BODY_BYTES, BodyLimit, plain_refusal
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.errors import CatchingUpError, UnreadableRowError
from services.pipeline.http import TELEMETRY
from services.pipeline.lateness import Lateness
from services.pipeline.outbox import Outbox
from services.pipeline.safe_headers import SafeHeaders
from services.pipeline.segments import Segments

BODY_BYTES = {
    API: 131_072,
    f"{API}v1/answers": MAX_BODY_BYTES,
    "/": 262_144,  # fifty answers with the longest texts, as forms write them
    **dict.fromkeys(("/sign-in", "/sign-out", "/signed-out", "/sessions", "/preferences", "/u", "/q", "/help"), 65_536),
}
"""How large a request may be, by the beginning of its path."""


def build_app(
    settings: ApprovalSettings,
    database: Database,
    outbox: Outbox,
    require_caught_up: Callable[[], None],
    lateness: Lateness,
    rules: ApprovalRules = DEFAULTS,
) -> FastAPI:
    """Return the application; its OpenAPI document is at /api/v1/openapi.json."""
    dependencies = _dependencies(settings, database, outbox, require_caught_up, lateness, rules)

    @asynccontextmanager
    async def until_closed(_: FastAPI) -> AsyncIterator[None]:
        yield
        await dependencies.identity.close()
        await dependencies.stories.close()

    app = FastAPI(
        lifespan=until_closed,
        title="Countersign approval",
        version="1",
        description="Read, accept and reject commitments that were sent to accounting.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # the framework would build the document in the event loop
        # the framework would redirect to whatever Host the request names
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.include_router(api_router(dependencies))
    add_open_api(app)
    desk_handlers = add_desk(app, dependencies)
    headers = safe_headers(settings.public_url)
    _add_middleware(app, dependencies, headers)
    _add_error_handlers(app, desk_handlers, headers)
    return app


def _add_middleware(app: FastAPI, dependencies: Dependencies, headers: Mapping[str, str]) -> None:
    """Add what every request goes through; the last one is the first that it meets."""
    app.add_middleware(ItemLimit, prefix=API)
    app.add_middleware(BodyLimit, of_paths=BODY_BYTES, refusal=_too_large)
    app.add_middleware(Admission, identity=dependencies.identity, refusal=_too_many(Pages(dependencies.lateness)))
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(SafeHeaders, headers=headers)
    app.add_middleware(Segments)


def _dependencies(
    settings: ApprovalSettings,
    database: Database,
    outbox: Outbox,
    require_caught_up: Callable[[], None],
    lateness: Lateness,
    rules: ApprovalRules,
) -> Dependencies:
    decisions, readers = Decisions(database, outbox, require_caught_up, rules), Readers()
    return Dependencies(
        settings=settings,
        database=database,
        outbox=outbox,
        decisions=decisions,
        identity=Identity(settings, database),
        lateness=lateness,
        questions=Questions(database, outbox, require_caught_up, settings.link_secret, settings.public_url),
        preferences=Preferences(database, outbox, require_caught_up),
        held=HeldAnswers(decisions, database, outbox, require_caught_up, settings.undo_seconds),
        stories=Stories(settings, database, readers),
        readers=readers,
    )


def _too_large(path: str, sentence: str) -> Response:
    """Refuse a body that is too large, before it is read."""
    return problems.problem(413, sentence) if path.startswith(API) else plain_refusal(path, sentence)


def _too_many(pages: Pages) -> Callable[[str, TooManyRequestsError], Response]:
    """Return what refuses a request before anything is done for it; the page is made once."""
    page = pages.message(
        "Too many requests",
        "There were too many requests from you, or from your network. Nothing of this one was used.",
        "Go back, and try again in a minute.",
        status=TooManyRequestsError.status,
    )

    def refusal(path: str, error: TooManyRequestsError) -> Response:
        is_api = path.startswith(API)
        response = problems.problem(error.status, str(error)) if is_api else HTMLResponse(page.body, error.status)
        response.headers.update(error.headers)
        return response

    return refusal


def _add_error_handlers(
    app: FastAPI, desk_handlers: Mapping[type[Exception], ErrorHandler], headers: Mapping[str, str]
) -> None:
    """Answer errors of the API as problems, and all others as pages."""
    api_handlers: dict[type[Exception], ErrorHandler] = {
        problems.ProblemError: problems.on_problem,
        SignInError: problems.on_sign_in_error,
        HTTPException: problems.on_http_error,
        RequestValidationError: problems.on_invalid,
        CatchingUpError: problems.on_catching_up,
        UnreadableRowError: problems.on_unreadable,
        **dict.fromkeys(DATABASE_ERRORS, problems.DatabaseAway()),
    }
    by_path = {kind: _by_path(handler, desk_handlers.get(kind, handler)) for kind, handler in api_handlers.items()}
    by_path[SignInError] = SignInTroubles().told(by_path[SignInError])
    for kind, handler in by_path.items():
        app.add_exception_handler(kind, handler)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    on_defect = _by_path(problems.on_defect, desk_handlers[Exception])
    app.add_exception_handler(Exception, _with_headers(on_defect, headers))


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """Respond to nobody: the client went away while it sent the body."""
    del request, error
    return Response(status_code=400)


def _with_headers(handler: ErrorHandler, headers: Mapping[str, str]) -> ErrorHandler:
    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        response.headers.update(headers)
        return response

    return handle


def _by_path(for_api: ErrorHandler, for_desk: ErrorHandler) -> ErrorHandler:
    async def handle(request: Request, error: Exception) -> Response:
        chosen = for_api if request.url.path.startswith(API) else for_desk
        return await chosen(request, error)

    return handle
