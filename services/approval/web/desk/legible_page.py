"""Takes hidden characters out of the text of a finished page, wherever a template put them."""

import re

from services.pipeline.legible import HIDDEN_CHARACTERS, legible, may_hide, shown_instead

_PART = re.compile(rf"<textarea\b[^<>]*>[^<]*|<[a-z][^<>]*>|{HIDDEN_CHARACTERS.pattern}")
_ATTRIBUTE = re.compile(r'(?<=\s)([a-z-]+)="([^"]*)"')
_SENT_BACK = frozenset({"href", "action", "formaction", "name", "id", "for"})
"""Attributes that nobody reads: they name a commitment or a document, and have to come back as they are."""

_HIDDEN_VALUE = re.compile(r'<button\b|\stype="(?:hidden|radio|checkbox)"')
_NOT_REFERABLE = range(0x80, 0xA0)
"""Browsers read references to these control characters as letters of Windows."""

_NOT_TYPED = re.compile(r"[\x00\x80-\x9f]")
"""Cannot be referred to, or not as what they are; nobody types them."""


def legible_page(page: str) -> str:
    """Return the HTML `page` with a legible text; what its forms and links send back stays the same.

    Templates escape whatever they insert, so each `<` begins a tag of ours, with attributes in double quotes.
    """
    if not may_hide(page):
        return page
    return _PART.sub(_part, page)


def _part(found: re.Match[str]) -> str:
    if found[0][0] != "<":
        return shown_instead(found)
    tag, end, typed = found[0].partition(">")
    return _tag(tag + end) + _referred(_NOT_TYPED.sub(shown_instead, typed))


def _tag(tag: str) -> str:
    is_value_hidden = _HIDDEN_VALUE.search(tag) is not None

    def attribute(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        is_sent_back = name in _SENT_BACK or (name == "value" and is_value_hidden)
        return f'{name}="{_referred(value) if is_sent_back else legible(value)}"'

    return _ATTRIBUTE.sub(attribute, tag)


def _referred(value: str) -> str:
    """`value` with references in place of hidden characters, so that they do not disturb who reads the source."""
    return HIDDEN_CHARACTERS.sub(lambda found: _reference(found[0]), value)


def _reference(character: str) -> str:
    return character if ord(character) in _NOT_REFERABLE else f"&#{ord(character)};"
