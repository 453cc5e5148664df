"""Renders elements of qbXML: in the order, and within the lengths, that `qbxml.elements.toml` states."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.exporter.connectors.quickbooks.characters import as_xml

PACKAGE = "services.exporter.connectors.quickbooks"


class Aggregate(BaseModel):
    """An element that contains others: in which order, and how long their texts may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1, description="Where it is written.")
    members: tuple[str, ...] = Field(description="The elements in it, in their order.")
    lengths: Mapping[str, int] = Field(default={}, description="The most characters of a text, by the element.")


@dataclass(frozen=True, slots=True)
class Element:
    """An element with its text, or with the elements in it, in any order."""

    name: str
    content: "str | tuple[Element, ...]" = ()


class TooLongError(ValueError):
    """A text is longer than QuickBooks takes; it is never cut."""

    def __init__(self, element: str, length: int, text: str) -> None:
        super().__init__(f"{element} takes {length} characters")
        self.element, self.length, self.text = element, length, text


@cache
def aggregates() -> Mapping[str, Aggregate]:
    """Return every element that contains others, by its name."""
    content = tomllib.loads(files(PACKAGE).joinpath("qbxml.elements.toml").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Aggregate]).validate_python(content)


def longest(aggregate: str, element: str) -> int:
    """Return how many characters the text of `element` in `aggregate` may have."""
    return aggregates()[aggregate].lengths[element]


def rendered(element: Element, attributes: Mapping[str, str] | None = None) -> str:
    """Return the element as XML; TooLongError if a text does not fit, KeyError if an element is unknown there."""
    stated = "".join(f' {name}="{as_xml(value)}"' for name, value in (attributes or {}).items())
    content = element.content
    inner = as_xml(content) if isinstance(content, str) else _members(element.name, content)
    return f"<{element.name}{stated}>{inner}</{element.name}>"


def _members(name: str, members: Iterable[Element]) -> str:
    aggregate = aggregates()[name]
    places = {member: place for place, member in enumerate(aggregate.members)}
    ordered = sorted(members, key=lambda each: places[each.name])
    for each in ordered:
        length = aggregate.lengths.get(each.name)
        if length is not None and isinstance(each.content, str) and len(each.content) > length:
            raise TooLongError(f"{name}.{each.name}", length, each.content)
    return "".join(map(rendered, ordered))
