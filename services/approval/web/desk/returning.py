"""Finds the page that a form was sent from, so that whoever has to sign in again comes back to it."""

import re
from urllib.parse import SplitResult, urlsplit

from fastapi import Request

from services.approval.web.desk.addresses import ListQuery
from services.approval.web.desk.forms import Fields

_ACTION = re.compile(r"(/[a-z]+(?:/[^/]+)*)/[a-z-]+")
"""The address of a form: that of its page, and what is done there."""


def page_of(request: Request, fields: Fields) -> str:
    """Return the address, on this host, of the page with the form that `request` sends, as far as it can be told."""
    referrer = _split(request.headers.get("referer", ""))
    path = str(request.scope.get("raw_path", b"").decode("ascii", "replace")) or request.url.path
    is_own = bool(referrer.netloc) and referrer.netloc == request.headers.get("host")
    # a form that is shown again with a problem has the address that it is sent to, which is not always one of a page
    if is_own and referrer.path.startswith("/") and referrer.path != path:
        return referrer.path + (f"?{referrer.query}" if referrer.query else "")
    if "list" in fields:
        return ListQuery.read(fields["list"]).address
    action = _ACTION.fullmatch(path)
    return action[1] if action else path


def _split(address: str) -> SplitResult:
    """Return the parts of an address, all empty if it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
