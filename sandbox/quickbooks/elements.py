"""The elements of a text of XML, without the comments and instructions between them."""

from typing import TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no other name for it


def parts_of(element: Element) -> list[Element]:
    """Return the elements directly in `element`."""
    return [each for each in element if isinstance(each.tag, str)]


def name_of(element: Element) -> str:
    """Return the name of an element."""
    return str(element.tag)
