"""Makes text that an ERP sent fit for events and pages."""

import re
from urllib.parse import quote

MAX_MESSAGE_CHARACTERS = 2_000
_ENDS = (".", "!", "?", "…")
MIN_SECRET_CHARACTERS = 6
_HIDDEN = "…"
_NAMES = "token|api[-_]?key|secret|password|passwd"
_SECRETS = (
    (re.compile(r"(?<=//)[^\s/?#]{1,512}@"), f"{_HIDDEN}@"),
    (re.compile(rf"(?i)((?:{_NAMES})(?:[\"']?=|[\"'] ?: ?)[\"']?)[^\s\"'&,;]{{4,}}"), rf"\g<1>{_HIDDEN}"),
    (re.compile(r"(?i)(\b(?:bearer|basic) )(?=\S*\d)[\w.~+/=-]{8,}"), rf"\g<1>{_HIDDEN}"),
)
"""In addresses, in parameters and members with telling names, and in headers."""

_CLOSING = "\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK})"


def one_line(text: str) -> str:
    """Return `text` in one line of at most MAX_MESSAGE_CHARACTERS, without what cannot be stored or read."""
    beginning = text[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(each if each.isprintable() else " " for each in beginning)
    return " ".join(printable.split())[:MAX_MESSAGE_CHARACTERS]


def sentence(text: str) -> str:
    """Return `text` as `one_line` does, with a full stop at its end; empty if it is empty."""
    line = one_line(text)
    if not line or line.rstrip(_CLOSING).endswith(_ENDS):
        return line
    return f"{line[: MAX_MESSAGE_CHARACTERS - 1].rstrip(',;: ')}."


def without_secrets(text: str, secret: str | None = None) -> str:
    """Return `text` without what looks like a password or a token, and without our own `secret`.

    ERPs and proxies echo addresses and headers of requests. A short secret could be any word, so it is not looked for.
    """
    for known in _forms(secret):
        text = text.replace(known, _HIDDEN)
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def _forms(secret: str | None) -> tuple[str, ...]:
    if not secret or len(secret) < MIN_SECRET_CHARACTERS:
        return ()
    return (secret, quote(secret, safe=""))
