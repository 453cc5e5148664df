"""Finds what an ERP says in an answer that is no document: the words of common formats of errors, or plain text."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2

from services.exporter.connectors.http_body import json_of, text_of
from services.exporter.connectors.wording import one_line, sentence

MAX_EXCERPT_CHARACTERS = 300
_MAX_READ_CHARACTERS = 10_000
_MAX_DEPTH = 6
_MAX_PARTS = 20

_ERRORS = ("error", "errors", "fault", "exception")
"""Members that an answer has only if something went wrong, or with a value that says that nothing did."""
_NO_ERROR: tuple[Any, ...] = (None, False, "", "0", [], {})

_SAID = ("title", "detail", "details", "message", "error_description", "errormessage", "exceptionmessage", "reason")
_INSIDE = ("text", "value", "description", "faultstring", "msg")
"""Members that are read only inside one of the above."""

_TAG = re.compile(r"<([/?!]?[a-zA-Z]*+)[^<>]*+>")
"""Possessive: a tag that never ends is not tried again from each of its characters."""
_HIDDEN = ("head", "script", "style")


def words_of(response: httpx2.Response) -> str:
    """Return what the answer says, without a full stop at its end; empty if it says nothing that people can read."""
    body = json_of(response)
    if body is None:
        return _excerpt(text_of(response)[:_MAX_READ_CHARACTERS])
    said = (one_line(part).rstrip(".") for part in _said(body))
    return ". ".join(list(dict.fromkeys(part for part in said if part))[:_MAX_PARTS])


def said_in(response: httpx2.Response, otherwise: str = "The ERP gave no reason") -> str:
    """Return a sentence with what the answer says, or else with `otherwise`."""
    return sentence(words_of(response) or otherwise)


def said_with_status(response: httpx2.Response) -> str:
    """Return what `said_in` does, and the status, for those who set a connection up."""
    return sentence(f"{words_of(response) or 'The ERP gave no reason'} (HTTP {response.status_code})")


def has_error(body: Any) -> bool:
    """Whether the JSON `body` has a member that reports an error."""
    return isinstance(body, dict) and any(_member(body, name) not in _NO_ERROR for name in _ERRORS)


def _said(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of the known members, in a fixed order; of a list, those of its entries."""
    if isinstance(value, str):
        yield value
    elif depth < _MAX_DEPTH and isinstance(value, list):
        for each in value[:_MAX_PARTS]:
            yield from _said(each, depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, dict):
        for name in (*_SAID, *_ERRORS, *(_INSIDE if depth else ())):
            yield from _of_errors(_member(value, name), name, depth + 1)


def _of_errors(value: Any, name: str, depth: int) -> Iterator[str]:
    """Yield the texts of a member; `errors` may have one member for each wrong field, which is named then."""
    if name == "errors" and isinstance(value, dict) and not any(_member(value, each) for each in (*_SAID, *_INSIDE)):
        for field, each in list(value.items())[:_MAX_PARTS]:
            yield from (f"{field}: {text}" for text in _said(each, depth))
    else:
        yield from _said(value, depth)


def _member(body: dict[str, Any], name: str) -> Any:
    """Return the member of this name in any spelling: capitals do not matter."""
    return body[name] if name in body else next((each for key, each in body.items() if key.lower() == name), None)


def _excerpt(text: str) -> str:
    """Return the beginning of a text without the tags of HTML or XML; empty if it is binary."""
    unprintable = sum(not (character.isprintable() or character.isspace()) for character in text)
    plain = one_line(unescape(_without_tags(text)))
    is_readable = sum(map(str.isalnum, plain)) * 2 > len(plain) and unprintable * 20 < len(text)
    return plain[:MAX_EXCERPT_CHARACTERS].rstrip(". ") if is_readable else ""


def _without_tags(text: str) -> str:
    """Return what a page shows, in one pass: nested patterns would take minutes for what some servers send."""
    beginning, *rest = _TAG.split(text)
    shown, hidden_by = [beginning], ""
    for tag, following in zip(map(str.lower, rest[::2]), rest[1::2], strict=True):
        if not hidden_by and tag in _HIDDEN:
            hidden_by = tag
        elif tag == f"/{hidden_by}":
            hidden_by = ""
        if not hidden_by:
            shown.append(following)
    return " ".join(shown)
