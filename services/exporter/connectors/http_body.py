"""Reads the body of an ERP's answer, whatever its charset and however odd its JSON."""

import codecs
import json
from typing import Any

import httpx2

_CHARSETS = ("ascii", "utf-", "utf_", "iso8859", "cp", "koi8", "gb", "big5", "shift_jis", "euc_", "mac")
"""How the names of charsets begin that a server may declare; Python has other codecs, which are slow or no charsets."""


def text_of(response: httpx2.Response) -> str:
    """Return the body as text: UTF-8 or another Unicode format if it is that, else in the charset that it declares."""
    content = response.content
    for charset in (json.detect_encoding(content), _declared(response.charset_encoding)):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace")


def json_of(response: httpx2.Response) -> Any:
    """Return the body as JSON with its numbers as text, and NaN as null; None if it is no JSON.

    Python's reader takes what stricter ones refuse: lone surrogates, control characters, and members that come twice,
    of which the last counts.
    """
    try:
        return json.loads(
            text_of(response), strict=False, parse_int=str, parse_float=str, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        return None


def _declared(charset: str | None) -> str:
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name.startswith(_CHARSETS) else "utf-8"
