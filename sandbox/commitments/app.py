"""The web application of the tool: its API, its pages, and what both answer to errors."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.commitments.api import add_api
from sandbox.commitments.pages import add_pages
from sandbox.commitments.tool import CommitmentsTool, NotAllowedError, NotPublishedError
from sandbox.pages import Pages, bare_app, refuse_on_pages, wants_page

LINKS = {"Commitments": "/", "Directory": "/directory"}


def build_commitments(tool: CommitmentsTool, neighbours: Mapping[str, str] | None = None) -> FastAPI:
    """Build the application that serves `tool`."""
    app = bare_app("Commitments")
    pages = Pages("Commitments", "commitments", LINKS, neighbours)
    refuse_on_pages(app, pages)
    _add_refusals(app, pages)
    add_api(app, tool)
    add_pages(app, tool, pages)
    return app


def _add_refusals(app: FastAPI, pages: Pages) -> None:
    def refusal(request: Request, why: str, status: int) -> Response:
        if wants_page(request):
            return pages.render("refusal.html", status=status, title="This was not done", why=why)
        return JSONResponse({"detail": why}, status_code=status)

    @app.exception_handler(NotAllowedError)
    async def not_allowed(request: Request, error: NotAllowedError) -> Response:
        return refusal(request, str(error), 409)

    @app.exception_handler(NotPublishedError)
    async def not_published(request: Request, error: NotPublishedError) -> Response:
        return refusal(request, str(error), 503)
