"""Reads the text of a reply as the answers to the requests of a message set; what is not that is unreadable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from services.exporter.connectors.hardened_xml import hardened_parser

_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
_NUMBER = re.compile(r"[0-9]{1,9}")
MAX_TAGS = 400_000
"""More than a reply of 10 MB has, and few enough for the memory: a million of empty elements would take 300 MB."""
FIRST_WARNING = 500
FIRST_ERROR = 1_000
NO_MATCH = 1


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one request; `returned` are the objects in it, and `status` is None where that is no number."""

    name: str
    status: int | None
    message: str
    attributes: Mapping[str, str]
    returned: tuple[Any, ...]

    @property
    def is_error(self) -> bool:
        """Whether the request was not carried out, as far as the answer says."""
        return self.status is None or self.status >= FIRST_ERROR

    @property
    def is_warning(self) -> bool:
        """Whether the request was carried out, and QuickBooks has something to say of it."""
        return self.status is not None and FIRST_WARNING <= self.status < FIRST_ERROR

    def returned_as(self, name: str) -> tuple[Any, ...]:
        """The objects called `name`."""
        return tuple(each for each in self.returned if each.tag == name)


@dataclass(frozen=True, slots=True)
class MessageSet:
    """The answers to a message set, in their order; `status` is that of the set itself, of error recovery."""

    status: str
    responses: tuple[Response, ...]

    @property
    def request_ids(self) -> set[str]:
        """The ids of the requests that were answered, as far as they are stated."""
        return {each.attributes["requestID"] for each in self.responses if "requestID" in each.attributes}

    def named(self, name: str) -> tuple[Response, ...]:
        """The answers to requests of one kind."""
        return tuple(each for each in self.responses if each.name == name)


def message_set_in(text: str) -> MessageSet | None:
    """Return the answers in `text`; None if it is not well-formed, has a document type, or is something else."""
    root = _root(text)
    if root is None or root.tag != "QBXML":
        return None
    answers = root.findall("QBXMLMsgsRs")
    if len(answers) != 1:
        return None
    return MessageSet(answers[0].get("messageSetStatusCode", ""), tuple(map(_response, answers[0])))


def text_of(element: Any, path: str) -> str | None:
    """Return the text at `path` in `element`, without spaces around it; None if there is none."""
    found = element.findtext(path)
    return (found or "").strip() or None


def _root(text: str) -> Any:
    """Return the root element; the text is decoded already, so what it declares of its encoding does not count."""
    bare = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"))
    if "<!DOCTYPE" in bare or bare.count("<") > MAX_TAGS:
        return None
    try:
        return etree.fromstring(bare.encode(), hardened_parser())
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return None


def _response(element: Any) -> Response:
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    code = attributes.get("statusCode", "").strip()
    return Response(
        name=str(element.tag),
        status=int(code) if _NUMBER.fullmatch(code) else None,
        message=attributes.get("statusMessage", ""),
        attributes=attributes,
        returned=tuple(element),
    )
