"""The mailbox's pages and API: the list of mails, one mail with text and HTML, and the faults."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse

from sandbox.fault_routes import add_fault_routes
from sandbox.mailbox.catcher import Mailbox, MailFault, MailFaultKind
from sandbox.mailbox.message import CaughtMail, with_links_in_new_tabs
from sandbox.pages import Pages, bare_app, refuse_on_pages

_FRAME_FLAGS = "allow-popups allow-popups-to-escape-sandbox"
_FRAMED = (
    f"sandbox {_FRAME_FLAGS}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
"""Content security policy of a mail's HTML: inline styles, but no scripts, no requests, and only in our own frame."""


def build_mailbox(mailbox: Mailbox, neighbours: Mapping[str, str] | None = None) -> FastAPI:
    """Build the application that serves `mailbox`."""
    app = bare_app("Mailbox")
    pages = Pages("Mailbox", "mailbox", {"Messages": "/", "Faults": "/faults"}, neighbours)
    refuse_on_pages(app, pages)
    _add_api(app, mailbox)
    _add_reading(app, mailbox, pages)
    _add_faults(app, mailbox, pages)
    return app


def _add_api(app: FastAPI, mailbox: Mailbox) -> None:
    @app.get("/api/messages")
    async def messages(to: str | None = None) -> dict[str, Any]:
        return {"messages": [message.summary() for message in mailbox.to(to)]}

    @app.get("/api/messages/{message_id}")
    async def message(message_id: str) -> dict[str, Any]:
        return _find(mailbox, message_id).details()


def _add_reading(app: FastAPI, mailbox: Mailbox, pages: Pages) -> None:
    @app.get("/")
    async def index(to: str | None = None) -> HTMLResponse:
        return pages.render(
            "list.html", messages=mailbox.to(to or None)[::-1], recipients=mailbox.recipients(), chosen=to
        )

    @app.get("/messages/{message_id}")
    async def one(message_id: str) -> HTMLResponse:
        return pages.render("message.html", message=_find(mailbox, message_id), frame_flags=_FRAME_FLAGS)

    @app.get("/messages/{message_id}/html")
    async def html(message_id: str) -> HTMLResponse:
        body = with_links_in_new_tabs(_find(mailbox, message_id).html)
        return HTMLResponse(body, headers={"content-security-policy": _FRAMED, "x-content-type-options": "nosniff"})

    @app.get("/messages/{message_id}/source")
    async def source(message_id: str) -> PlainTextResponse:
        text = _find(mailbox, message_id).source.decode(errors="replace")
        return PlainTextResponse(text, headers={"x-content-type-options": "nosniff"})


def _add_faults(app: FastAPI, mailbox: Mailbox, pages: Pages) -> None:
    def page() -> HTMLResponse:
        return pages.render("mail_faults.html", faults=mailbox.faults.faults, kinds=list(MailFaultKind))

    add_fault_routes(app, mailbox.faults, MailFault, page)


def _find(mailbox: Mailbox, message_id: str) -> CaughtMail:
    for message in mailbox.messages:
        if message.id == message_id:
            return message
    raise HTTPException(404, f"There is no message {message_id}.")
