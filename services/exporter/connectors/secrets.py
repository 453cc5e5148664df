"""Takes out of a text what an ERP or a proxy should not have told: our token, and what looks like a password."""

import re
from collections.abc import Iterator

from services.exporter.connectors.own_token import Place, joined, token_places

_HIDDEN = "…"
_QUOTE = r"\\{0,8}[\"']"
"""In JSON within JSON it has a backslash, and more of them further within."""
_NAMES = r"(?:token|api[-_]?key|secret|password|passwd)"
_IS = rf"(?:{_QUOTE}\s?[:=]|=)>?\s?"
"""Without quotes and with a colon, what follows is a sentence, such as `The token: it has expired.`"""
_VALUE = r"[^\s\"',;<>\\]"
_SECRETS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        # the user and the password in an address
        r"(?:\\?/){2}([^\s/?#@:,;|()<>\"'\\]{0,256}:[^\s/?,;|()<>\"']{1,512})@",
        # members and parameters with telling names: up to the quote that ends them, or up to a space
        rf"(?:{_NAMES}|authorization|cookie){_IS}(?P<quote>{_QUOTE})(?!(?P=quote))(.{{1,512}}?)(?=(?<!\\)(?P=quote)|\Z)",
        rf"{_NAMES}{_IS}(?:{_QUOTE})?((?:[^\s\"'&,;\\]|\\(?!\\{{0,8}}[\"'])){{4,}})",
        # headers
        rf"\bauthorization\s?[:=]\s?(?:basic|bearer|digest|token|session|apikey|negotiate)\s+({_VALUE}{{4,}})",
        rf"\bauthorization\s?[:=]\s?(?:[a-z][\w-]{{0,30}}\s+)?((?={_VALUE}{{0,512}}[\d=+/_-]|{_VALUE}{{16}}){_VALUE}{{6,}})",
        rf"\b(?:x-api-?|x-auth-|x-access-|x-csrf-|api-|private-)(?:key|token)\s?[:=]\s?({_VALUE}{{4,}})",
        rf"\bcookie\s?[:=]\s?([\w.%-]{{1,80}}={_VALUE}+(?:;\s?[\w.%-]{{1,80}}={_VALUE}+)*)",
        r"\bbearer\s+((?=[\w.~+/=-]{0,512}\d)[\w.~+/=-]{16,})",
    )
)
"""The last group of each is the secret. All repetitions are bounded, or of characters that cannot begin a new one."""


def without_secrets(text: str, token: str | None = None, shown: int | None = None) -> str:
    """Return `text` without what looks like a password or a token, and without our own `token`.

    ERPs and proxies echo addresses and headers of requests. Only the first `shown` characters of `text` are returned;
    what follows them tells whether a secret begins there.
    """
    until = len(text) if shown is None else shown
    parts, at = [], 0
    for begin, end in joined(sorted((*token_places(token or "", text), *_look_like_secrets(text)))):
        if begin >= until:
            break
        parts += [text[at:begin], _HIDDEN]
        at = end
    return "".join((*parts, text[at:until]))


def _look_like_secrets(text: str) -> Iterator[Place]:
    for pattern in _SECRETS:
        yield from (found.span(pattern.groups) for found in pattern.finditer(text))
