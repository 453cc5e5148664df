"""Takes out of a text what readers cannot see, the same way on pages, in mails and in the words of the API.

Some of these characters turn around or hide what stands next to them: a title could show another amount than the one
that is exported. What is stored, hashed and exported keeps them.
"""

import re
from typing import Any

_SPACES = "\x0b\x0c\x1c-\x1f\x85\u2028\u2029"
"""Read as a space: they end a line or a paragraph, but not in a place that we chose."""

_CONTROLS = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"
_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_JOINERS = r"\u200c\u200d"
"""Persian words and some emoji need them; beside ASCII they only make two numbers look alike."""

_LEFT_OUT = f"[{_CONTROLS}{_DIRECTIONS}{_UNSEEN}]|(?<![^\\x00-\\x7f])[{_JOINERS}]|[{_JOINERS}](?![^\\x00-\\x7f])"

HIDDEN_CHARACTERS = re.compile(f"[{_SPACES}]|{_LEFT_OUT}")
"""One character that no reader sees, or that changes how others look."""

_IS_LEFT_OUT = re.compile(_LEFT_OUT)
_CONTROL = re.compile(f"[{_CONTROLS}]")
_SEEN = re.compile(rf"[^\s{_SPACES}{_CONTROLS}{_DIRECTIONS}{_UNSEEN}{_JOINERS}]")
_IS_SPACE = re.compile(f"[{_SPACES}]")
_PIECE_CHARACTERS = 65_536
"""What is done to a longer text at once would let no other thread run until it ends."""


def legible(text: str) -> str:
    """Return `text` without hidden characters; tabs and line ends stay."""
    if text.isascii() and text.isprintable():
        return text
    # Two replacements by a fixed text, since one that calls a function for each character takes ten times as long.
    return _IS_SPACE.sub(" ", _IS_LEFT_OUT.sub("", text))


def may_hide(text: str) -> bool:
    """Whether `text` has characters that are hidden, if only beside certain others."""
    # a search for them takes four times as long as collecting the few that a long text is written in
    pieces = (text[begin : begin + _PIECE_CHARACTERS] for begin in range(0, len(text), _PIECE_CHARACTERS))
    return HIDDEN_CHARACTERS.search("\n".join(set[str]().union(*map(set, pieces)))) is not None


def seen(text: Any) -> Any:
    """Return `text`; an empty one if no reader sees more of it than spaces.

    What is no text, or has control characters, stays as it is: that is refused for what it is.
    """
    if not isinstance(text, str) or _CONTROL.search(text):
        return text
    return text if _SEEN.search(text) else ""


def shown_instead(found: re.Match[str]) -> str:
    """Return what is shown in place of a hidden character: a space, or nothing."""
    return " " if _IS_SPACE.match(found[0]) else ""
