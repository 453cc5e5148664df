"""What the sandbox's pages share: plain HTML templates, one style sheet, and one script that refreshes a page."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-src 'self'; base-uri 'none'"
CLOSED = f"{POLICY}; frame-ancestors 'none'"
"""Content security policy of a page: no other origins, no scripts, no framing."""

LIVE = f"{CLOSED}; script-src 'self'; connect-src 'self'"
"""That of a page that refreshes itself, by our script only."""


_WITHOUT_DIRECTION = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))

_FOLDER = Path(__file__).parent


class Pages:
    """The pages of one site, from the templates in `folder`; `neighbours` (title → address) may be filled later.

    Among the neighbours, this site is `known_as` something else than its title, or by its title.
    """

    def __init__(
        self,
        title: str,
        folder: str,
        links: Mapping[str, str],
        neighbours: Mapping[str, str] | None = None,
        *,
        known_as: str | None = None,
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([_FOLDER / folder, _FOLDER]),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_in_reading_order,
        )
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.filters.update(money=money, as_typed=_AsTyped, in_reading_order=_in_reading_order)
        self._environment.globals.update(
            site=title,
            known_as=known_as or title,
            links=links,
            neighbours=neighbours if neighbours is not None else {},
        )

    def render(self, template: str, *, status: int = 200, policy: str = CLOSED, **values: Any) -> HTMLResponse:
        """Render the page `template` with `values`."""
        text = self._environment.get_template(template).render(values)
        return HTMLResponse(
            text,
            status_code=status,
            headers={
                "content-security-policy": policy,
                "referrer-policy": "no-referrer",
                "x-content-type-options": "nosniff",
                "cache-control": "no-store",
            },
        )


class _AsTyped(str):
    """A text that a field of a form gives back as it was typed; a field reorders nothing outside itself."""

    __slots__ = ()


def _in_reading_order(shown: Any) -> Any:
    """What a template shows, without the characters that reverse the order in which what follows is read."""
    is_markup = hasattr(shown, "__html__")  # what is in it has been here before
    if is_markup or not isinstance(shown, str) or isinstance(shown, _AsTyped):
        return shown
    return shown.translate(_WITHOUT_DIRECTION)


def money(amount: str) -> str:
    """A decimal string with thousands separators: 480250.00 becomes 480,250.00."""
    return f"{Decimal(amount):,}"


def bare_app(title: str) -> FastAPI:
    """An application with style sheet and script, and without the generated documentation, which would load others."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None)
    app.add_api_route("/style.css", _style_sheet, include_in_schema=False)
    app.add_api_route("/refresh.js", _script, include_in_schema=False)
    return app


Answer = Callable[[Request, RequestValidationError], Awaitable[Response]]


def refuse_on_pages(app: FastAPI, pages: Pages, unreadable: Answer = request_validation_exception_handler) -> None:
    """Answer browsers with a page where a program gets JSON: what is not there, and forms that cannot be read.

    Programs get what `unreadable` returns of a request that cannot be read.
    """

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if not wants_page(request):
            return await http_exception_handler(request, error)
        title = "Not found" if error.status_code == HTTPStatus.NOT_FOUND else "This was not done"
        return pages.render("refusal.html", status=error.status_code, title=title, why=error.detail)

    @app.exception_handler(RequestValidationError)
    async def cannot_be_read(request: Request, error: RequestValidationError) -> Response:
        if not wants_page(request):
            return await unreadable(request, error)
        fields = sorted({str(each["loc"][-1]).replace("_", " ") for each in error.errors()})
        return pages.render(
            "refusal.html", status=422, title="This was not done", why=f"Go back and correct: {', '.join(fields)}."
        )


def wants_page(request: Request) -> bool:
    """Whether a browser sent the request, rather than a program."""
    return "text/html" in request.headers.get("accept", "")


async def _style_sheet() -> FileResponse:
    return FileResponse(_FOLDER / "style.css", media_type="text/css")


async def _script() -> FileResponse:
    return FileResponse(_FOLDER / "refresh.js", media_type="text/javascript")
