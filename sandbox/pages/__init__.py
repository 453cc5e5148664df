"""What the sandbox's pages share: plain HTML templates, one style sheet, no scripts."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-src 'self'; base-uri 'none'"
CLOSED = f"{POLICY}; frame-ancestors 'none'"
"""Content security policy of every page: no other origins, no scripts, no framing."""

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
            loader=FileSystemLoader([_FOLDER / folder, _FOLDER]), autoescape=True, undefined=StrictUndefined
        )
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.filters["money"] = money
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


def money(amount: str) -> str:
    """A decimal string with thousands separators: 480250.00 becomes 480,250.00."""
    return f"{Decimal(amount):,}"


def bare_app(title: str) -> FastAPI:
    """An application with the style sheet, and without the generated documentation, which would load scripts."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None)
    app.add_api_route("/style.css", _style_sheet, include_in_schema=False)
    return app


def wants_page(request: Request) -> bool:
    """Whether a browser sent the request, rather than a program."""
    return "text/html" in request.headers.get("accept", "")


async def _style_sheet() -> FileResponse:
    return FileResponse(_FOLDER / "style.css", media_type="text/css")
