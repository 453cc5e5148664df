"""Finds our own token in text that an ERP sent, in every usual spelling, also if only its beginning was kept."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape

MIN_TOKEN_CHARACTERS = 6
"""A shorter token could be any word, so it is not looked for."""
MIN_BEGINNING_CHARACTERS = 8
Place = tuple[int, int]

_SPELLED = re.compile(r"%[0-9A-Fa-f]{2}|\\{1,100}+u[0-9A-Fa-f]{4}|\\{1,100}|&#?\w{1,10};|\s{1,100}")
"""In addresses, in JSON, in HTML, and in lines that were broken."""
_ESCAPED_BREAK = re.compile(r"\\[nrt]")


def token_places(token: str, text: str) -> Iterator[Place]:
    """Yield where `text` has `token`, or a beginning of it; the time is proportional to the length of `text`."""
    if len(token) < MIN_TOKEN_CHARACTERS:
        return
    yield from (found.span() for found in re.finditer(re.escape(token), text))
    forms = _plain_forms(token)
    for spelled in {text, _ESCAPED_BREAK.sub("  ", text)}:
        plain, begins, ends = _read(spelled)
        for each in forms:
            if each[:MIN_BEGINNING_CHARACTERS] in plain:
                yield from ((begins[begin], ends[end - 1]) for begin, end in joined(_beginnings(each, plain)))


def joined(places: Iterable[Place]) -> Iterator[Place]:
    """Yield `places`, which are in order, those that touch as one."""
    last: Place | None = None
    for begin, end in places:
        if last is not None and begin > last[1]:
            yield last
            last = None
        last = (begin, end) if last is None else (last[0], max(last[1], end))
    if last is not None:
        yield last


def _plain_forms(token: str) -> set[str]:
    """`token` as `_read` reads it: without spaces and backslashes, and as if it were a spelling itself."""
    forms = (_read(token)[0], _bare(token), _bare(token.replace(" ", "+")))
    return {each for each in forms if len(each) >= MIN_TOKEN_CHARACTERS}


def _bare(text: str) -> str:
    return "".join(text.replace("\\", "").split())


def _read(text: str) -> tuple[str, list[int], list[int]]:
    """Return the plain characters of `text`, and where in it each of them begins and ends."""
    plain: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    at = 0
    for spelling in _SPELLED.finditer(text):
        begin, end = spelling.span()
        if begin > at:
            plain.append(text[at:begin])
            begins += range(at, begin)
            ends += range(at + 1, begin + 1)
        for character in _meant(spelling[0]):
            plain.append(character)
            begins.append(begin)
            ends.append(end)
        at = end
    plain.append(text[at:])
    begins += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return "".join(plain), begins, ends


@lru_cache(maxsize=1_000)
def _meant(spelled: str) -> str:
    """Return the characters that are spelled so; none for spaces and backslashes, which may stand in between."""
    match spelled[0]:
        case "%":
            return _bare(chr(int(spelled[1:], 16)))
        case "\\" if not spelled.endswith("\\"):
            return _bare(chr(int(spelled[-4:], 16)))
        case "&":
            return _bare(unescape(spelled))
        case _:
            return ""


def _beginnings(token: str, text: str) -> Iterator[Place]:
    """Yield where `text` has `token`, or as much of its beginning as tells it (Knuth, Morris and Pratt)."""
    least, borders, length = min(len(token), MIN_BEGINNING_CHARACTERS), _borders(token), 0
    for end, character in enumerate(text, start=1):
        while length and (length == len(token) or token[length] != character):
            if length >= least:
                yield end - 1 - length, end - 1
            length = borders[length]
        length += token[length] == character
    if length >= least:
        yield len(text) - length, len(text)


def _borders(token: str) -> list[int]:
    """For each length, that of the longest shorter beginning of `token` with which a beginning of that length ends."""
    borders = [0, 0]
    for character in token[1:]:
        border = borders[-1]
        while border and token[border] != character:
            border = borders[border]
        borders.append(border + (token[border] == character))
    return borders
