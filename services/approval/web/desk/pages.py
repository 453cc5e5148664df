"""Renders the desk's pages from their templates, and sets the headers that keep them safe."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from schemas.events import DirectoryPerson, ErpConnection
from schemas.zones import UTC_NAME
from services.approval.identity.identity import Visitor
from services.approval.identity.sign_in.errors import APPROVERS_ONLY
from services.approval.rules import polled, times
from services.approval.rules.amounts import excess_over_lines, line_sum
from services.approval.rules.rights import LEVEL_WORDS
from services.approval.rules.status import RIBBONS, STATUS_WORDS
from services.approval.rules.triage import AGING_DAYS, GROUP_WORDS, OLD_DAYS
from services.approval.storage.views import DeskView
from services.approval.web.desk import wording
from services.approval.web.desk.forms import FormProblem
from services.approval.web.desk.keys import chosen_keys
from services.approval.web.desk.legible_page import legible_page
from services.approval.web.desk.results import in_short
from services.approval.web.desk.sent_forms import SentForm
from services.pipeline import formats
from services.pipeline.apart import apart
from services.pipeline.clock import utc_now
from services.pipeline.counting import counted
from services.pipeline.lateness import Lateness
from services.pipeline.safe_headers import SAFE_HEADERS, strict_transport

_FOLDER = Path(__file__).parent
ASSETS = _FOLDER / "assets"
_HEADERS = {
    "content-security-policy": "default-src 'none'; object-src 'none'; style-src 'self'; img-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Not no-referrer: browsers would then hide the origin of our own forms as well.
    "referrer-policy": "same-origin",
}
_PIECE_CHARACTERS = 65_536
MAX_PANE_LINES = 100
"""Lines of a commitment beside the list; its own page has all of them."""

VIEW_TITLES = {
    DeskView.READY: "Ready to Export",
    DeskView.FAILED: "Failed to Export",
    DeskView.EXPORTING: "Exporting",
    DeskView.SYNCED: "Synced",
    DeskView.DIFFERING: "Differs in the ERP",
    DeskView.REJECTED: "Rejected",
    DeskView.ALL: "All",
}


class Pages:
    """The desk's pages."""

    def __init__(self, lateness: Lateness) -> None:
        self._lateness = lateness
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        assets = b"".join(each.read_bytes() for each in sorted(ASSETS.iterdir()))
        self._environment.globals.update(
            assets_version=hashlib.sha256(assets).hexdigest()[:12],
            form_name=lambda: uuid4().hex,
            max_pane_lines=MAX_PANE_LINES,
            sort_words=wording.SORT_WORDS,
            view_titles=VIEW_TITLES,
            status_words=STATUS_WORDS,
            kind_words=wording.KIND_WORDS,
            level_words=LEVEL_WORDS,
            who_acts=wording.who_acts,
            cause_words=wording.CAUSE_WORDS,
            ribbons=RIBBONS,
            group_words=GROUP_WORDS,
            aging_days=AGING_DAYS,
            old_days=OLD_DAYS,
            trouble=wording.TROUBLE,
            approvers_only=APPROVERS_ONLY,
            lateness=self._lateness_words,
            line_sum=line_sum,
            excess_over_lines=excess_over_lines,
        )
        self._environment.filters.update(_filters())

    def _lateness_words(self) -> str:
        """What stands in place of an empty list while the consumer is behind; empty while it is not."""
        behind = self._lateness.behind
        return times.lateness_words(behind) if behind else ""

    def render(
        self,
        template: str,
        *,
        person: DirectoryPerson | None = None,
        visitor: Visitor | None = None,
        status: int = HTTPStatus.OK,
        problems: Sequence[FormProblem] = (),
        **values: Any,
    ) -> HTMLResponse:
        """Return the page `template`, with times in the time zone of `person`; with `problems` its status is 422.

        Its head names `person`, or else `visitor`, whom the directory need not list.
        """
        found = self._environment.get_template(template)
        person = person or (visitor.person if visitor else None)
        values.setdefault("keys", chosen_keys())
        text = found.render(person=person, visitor=visitor, problems=problems, now=utc_now(), **values)
        return HTMLResponse(_encoded(legible_page(text)), HTTPStatus.UNPROCESSABLE_ENTITY if problems else status)

    async def render_apart(self, template: str, **values: Any) -> HTMLResponse:
        """Do as `render`, in a thread: a page with thousands of lines must not keep all other requests waiting."""
        return await apart(partial(self.render, template, **values))

    def message(
        self,
        title: str,
        *sentences: str,
        status: int,
        visitor: Visitor | None = None,
        can_sign_in: bool = False,
        return_to: str = "",
        is_refusal: bool = False,
        kept: str = "",
        again: SentForm | None = None,
        is_final: bool = False,
    ) -> HTMLResponse:
        """Return a page with a message; `kept` is what somebody typed and must not lose, `again` can be sent again.

        Whoever signs in from it gets to `return_to`; a refusal for want of a right links to what the sender may do. One
        that `is_final` leads nowhere.
        """
        return self.render(
            "message.html",
            visitor=visitor,
            status=status,
            title=title,
            sentences=sentences,
            can_sign_in=can_sign_in,
            return_to=return_to,
            is_refusal=is_refusal,
            kept=kept,
            again=again,
            is_final=is_final,
        )

    async def message_apart(self, title: str, *sentences: str, status: int, **values: Any) -> HTMLResponse:
        """Do as `message`, in a thread: for what somebody typed, of which there may be much."""
        return await apart(partial(self.message, title, *sentences, status=status, **values))


def _encoded(page: str) -> bytes:
    """The page as bytes, made in pieces: one step for twenty megabytes would let no other thread run for long."""
    return b"".join(
        page[begin : begin + _PIECE_CHARACTERS].encode() for begin in range(0, len(page), _PIECE_CHARACTERS)
    )


def safe_headers(public_url: str) -> Mapping[str, str]:
    """Return the headers that keep pages out of frames and caches and block foreign scripts."""
    return {**SAFE_HEADERS, **_HEADERS, **strict_transport(public_url)}


class Assets(StaticFiles):
    """The files that pages load; browsers cache them for a day, and a new style sheet has a new address."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file with a cache lifetime of a day."""
        answer = super().file_response(*args, **kwargs)
        answer.headers["cache-control"] = "public, max-age=86400"
        return answer


def see_other(address: str) -> RedirectResponse:
    """Redirect the browser, so that reloading the next page does not repeat the request."""
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def _filters() -> dict[str, Any]:
    """How templates format what they show."""
    return {
        "money": formats.money,
        "compact_money": formats.compact_money,
        "figure": wording.figure,
        "quantity": formats.quantity,
        "counted": counted,
        "in_short": in_short,
        "tally": wording.tally,
        "known_count": wording.known_count,
        "segment": wording.segment,
        "moment": _moment,
        "utc": _utc,
        "next_time": _next_time,
        "waited": _waited,
        "days": _days,
        "heartbeat": _heartbeat,
        "in_line": _in_line,
        "code_words": wording.code_words,
    }


@pass_context
def _moment(context: Context, at: datetime) -> str:
    return times.moment(at, _zone(context))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@pass_context
def _next_time(context: Context, at: datetime, does: str, should: str) -> str:
    return times.next_time(at, context["now"], _zone(context), does, should)


@pass_context
def _heartbeat(context: Context, erp: ErpConnection) -> str:
    return polled.heartbeat_words(erp, context["now"], _zone(context))


@pass_context
def _in_line(context: Context, erp: ErpConnection, place: int | None) -> str:
    return polled.line_words(erp, place, context["now"], _zone(context))


def _zone(context: Context) -> str:
    person: DirectoryPerson | None = context["person"]
    return person.time_zone if person else UTC_NAME


@pass_context
def _waited(context: Context, since: datetime) -> str:
    return wording.waited(since, context["now"])


@pass_context
def _days(context: Context, since: datetime) -> int:
    """For how many whole days something has lasted."""
    now: datetime = context["now"]
    return (now - since).days
