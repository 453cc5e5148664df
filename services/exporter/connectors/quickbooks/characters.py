"""The characters that QuickBooks keeps: those of Windows-1252, in one line, and how XML carries them.

QuickBooks refuses others as an error in the XML, or stores a question mark (qbwc/qbxml issue 8). Of Windows-1252 that
issue tells only of the letters of Western Europe; the rest is the code page in which QuickBooks shows its texts.
"""

from functools import lru_cache
from unicodedata import category, combining, normalize
from xml.sax.saxutils import escape

_UNKNOWN = "?"
_SEPARATORS = {"Cc", "Zl", "Zp", "Zs"}
_NO_CHARACTER = {"Cf", "Mn", "Me"}
"""Categories of what only changes how other characters look; without these, the text stays readable."""


def kept(text: str) -> str:
    """Return `text` as QuickBooks keeps it, in one line: what it does not know becomes what is nearest, or a "?"."""
    return " ".join("".join(map(_nearest, normalize("NFC", text))).split())


def is_kept(text: str) -> bool:
    """Whether QuickBooks keeps every character of `text`: it must not be replaced in what others are named by."""
    return all(_is_known(each) and category(each) != "Cc" for each in text)


def as_xml(text: str) -> str:
    """Return `text` as the content of an element or an attribute, in ASCII."""
    escaped = escape(text, {'"': "&quot;", "'": "&apos;"})
    return escaped.encode("ascii", "xmlcharrefreplace").decode("ascii")


@lru_cache(maxsize=4_096)
def _nearest(character: str) -> str:
    if category(character) in _SEPARATORS:
        return " "
    if category(character) in _NO_CHARACTER:
        return ""
    if _is_known(character):
        return character
    plain = "".join(each for each in normalize("NFKD", character) if not combining(each))
    return plain if plain and all(map(_is_known, plain)) else _UNKNOWN


def _is_known(character: str) -> bool:
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
