"""Reads sets of qbXML requests and writes sets of responses, as strictly as QuickBooks' own parser does.

The attributes of a set and of a request, and the HRESULT of a text that cannot be parsed, are those of Intuit's page
“Session and connection object attributes” and of its samples (IntuitDeveloper/QBXML_SDK_Samples).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.quickbooks.elements import Element, name_of, parts_of
from sandbox.quickbooks.hresult import Hresult, HresultError
from sandbox.quickbooks.schema import REQUESTS, flaw_of, mixture_in

NEWEST_VERSION = 16
MAX_REQUEST_ID_CHARACTERS = 50
_VERSION = re.compile(r'version\s*=\s*"(?P<major>[0-9]{1,2})\.[0-9]"')
_SET_ATTRIBUTES = {"onError", "newMessageSetID", "oldMessageSetID", "responseData"}
_REQUEST_ATTRIBUTES = {"requestID", "metaData", "iterator", "iteratorID"}
_ON_ERROR = ("stopOnError", "continueOnError")

Values = dict[str, "str | Values"]
"""The content of an element: text, or the content of its parts by their names."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a request ended: its code, its severity, and words for a person."""

    code: int
    message: str

    @property
    def severity(self) -> str:
        """Info below 500, a warning below 1000, and an error from there on."""
        return "Info" if self.code < 500 else "Warn" if self.code < 1000 else "Error"  # noqa: PLR2004 - as said above

    @property
    def is_error(self) -> bool:
        """Whether nothing was done."""
        return self.severity == "Error"


OK = Status(0, "Status OK")
NO_MATCH = Status(1, "A query request did not find a matching object in QuickBooks")


@dataclass(frozen=True, slots=True)
class RequestSet:
    """A set of requests that QuickBooks carries out one after the other."""

    requests: tuple[Element, ...]
    stops_on_error: bool
    new_id: str | None
    old_id: str | None
    text: str

    @property
    def writes(self) -> tuple[str, ...]:
        """The names of its requests that may change something."""
        return tuple(name for name in map(name_of, self.requests) if is_write(name))


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to one request: its status, what it returns, and the attributes that only it has."""

    status: Status
    returned: tuple[Element, ...] = ()
    attributes: Mapping[str, str] | None = None


def is_write(name: str) -> bool:
    """Whether a request of this name may change something."""
    return name.endswith(("AddRq", "ModRq"))


def read(text: str) -> RequestSet:
    """Read a set of requests. HresultError if the parser of QuickBooks would refuse it as a whole."""
    root = _parsed(text)
    sets = parts_of(root)
    if name_of(root) != "QBXML" or [name_of(each) for each in sets] != ["QBXMLMsgsRq"]:
        raise _unreadable("the text is no QBXML with one QBXMLMsgsRq")
    (message_set,) = sets
    if flaw := _set_flaw(message_set):
        raise _unreadable(flaw)
    requests = tuple(parts_of(message_set))
    for each in requests:
        if flaw := _request_flaw(each):
            raise _unreadable(flaw)
    return RequestSet(
        requests,
        message_set.get("onError") == _ON_ERROR[0],
        message_set.get("newMessageSetID"),
        message_set.get("oldMessageSetID"),
        text,
    )


def _parsed(text: str) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _unreadable(str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise _unreadable("the text has a DOCTYPE")
    instructions = root.xpath("preceding-sibling::processing-instruction('qbxml')")
    versions = [_VERSION.search(each.text or "") for each in instructions]
    if len(versions) != 1 or not versions[0] or int(versions[0]["major"]) > NEWEST_VERSION:
        raise _unreadable("the text has no qbxml version that this QuickBooks knows")
    return root


def _set_flaw(message_set: Element) -> str | None:
    if unknown := set(message_set.attrib) - _SET_ATTRIBUTES:
        return f"QBXMLMsgsRq has no attribute {min(map(str, unknown))}"
    return None if message_set.get("onError") in _ON_ERROR else "onError is stopOnError or continueOnError"


def _request_flaw(request: Element) -> str | None:
    if name_of(request) not in REQUESTS:
        return f"element {name_of(request)} is unknown"
    if unknown := set(request.attrib) - _REQUEST_ATTRIBUTES:
        return f"{name_of(request)} has no attribute {min(map(str, unknown))}"
    if request.get("iterator") not in (None, "Start", "Continue", "Stop"):
        return "iterator is Start, Continue or Stop"
    if len(request.get("requestID", "")) > MAX_REQUEST_ID_CHARACTERS:
        return "requestID is too long"
    flaw = flaw_of(request, REQUESTS[name_of(request)])
    return flaw or (mixture_in(request) if name_of(request).endswith("QueryRq") else None)


def _unreadable(flaw: str) -> HresultError:
    return HresultError(Hresult.UNREADABLE, flaw)


def values_of(element: Element) -> Values:
    """Return the content of an element; of parts with one name the last."""
    return {name_of(each): values_of(each) if len(each) else (each.text or "").strip() for each in parts_of(element)}


def texts_of(element: Element, name: str) -> list[str]:
    """Return the texts of all parts with this name."""
    return [(each.text or "").strip() for each in element.findall(name)]


def element_of(name: str, values: Values) -> Element:
    """Return an element with this content, in the order of `values`."""
    element = etree.Element(name)
    for part, value in values.items():
        if isinstance(value, dict):
            element.append(element_of(part, value))
        else:
            etree.SubElement(element, part).text = value
    return element


def written(answers: Iterable[tuple[Element, Answer]], recovery: Mapping[str, str]) -> str:
    """Return a set of responses as text; `recovery` are the attributes about the message set as a whole."""
    root = etree.Element("QBXML")
    message_set = etree.SubElement(root, "QBXMLMsgsRs", dict(recovery))
    for request, answer in answers:
        given = {"requestID": request.get("requestID", "")} if request.get("requestID") else {}
        attributes = given | {
            "statusCode": str(answer.status.code),
            "statusSeverity": answer.status.severity,
            "statusMessage": answer.status.message,
        }
        name = f"{name_of(request).removesuffix('Rq')}Rs"
        etree.SubElement(message_set, name, attributes | dict(answer.attributes or {})).extend(answer.returned)
    return '<?xml version="1.0" ?>\n' + etree.tostring(root, encoding="unicode", pretty_print=True)
