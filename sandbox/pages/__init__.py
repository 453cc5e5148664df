"""The calm pages that the sandbox's servers share: plain HTML, one style sheet, no script."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-src 'self'; base-uri 'none'"
CLOSED = f"{POLICY}; frame-ancestors 'none'"
"""Content security policy of every page: nothing from elsewhere, no script, in nobody's frame."""

_FOLDER = Path(__file__).parent


class Pages:
    """The pages of one site, from the templates of `folder`; `neighbours` (title → address) may still be filled."""

    def __init__(
        self, title: str, folder: str, links: Mapping[str, str], neighbours: Mapping[str, str] | None = None
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([_FOLDER / folder, _FOLDER]), autoescape=True, undefined=StrictUndefined
        )
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.filters["money"] = money
        self._environment.globals.update(
            site=title, links=links, neighbours=neighbours if neighbours is not None else {}
        )

    def render(self, template: str, *, status: int = 200, policy: str = CLOSED, **values: Any) -> HTMLResponse:
        """The page `template`, made of `values`."""
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
    """A decimal string with its thousands apart: 480250.00 is 480,250.00."""
    return f"{Decimal(amount):,}"


def bare_app(title: str) -> FastAPI:
    """An application without generated documentation pages, which would load scripts, and with the style sheet."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None)
    app.add_api_route("/style.css", _style_sheet, include_in_schema=False)
    return app


def wants_page(request: Request) -> bool:
    """Whether a browser asks, rather than a program."""
    return "text/html" in request.headers.get("accept", "")


async def _style_sheet() -> FileResponse:
    return FileResponse(_FOLDER / "style.css", media_type="text/css")
