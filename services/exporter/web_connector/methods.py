"""The eight calls of the Web Connector, with their parameters as Intuit's WSDL names and orders them.

Source: `QBWebConnectorSvc.wsdl` of the QuickBooks SDK. A client may leave out any text (`minOccurs="0"`) and means an
empty one, so only what a call cannot do without is required here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

NAMESPACE = "http://developer.intuit.com/"
MAX_TEXT_CHARACTERS = 10_000_000
"""The longest text that the XML parser reads."""
MAX_SHORT_CHARACTERS = 8_192

Answer = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `is_required` if a call without it is refused instead of taken as empty."""

    name: str
    is_required: bool = False
    type: Literal["string", "int"] = "string"
    max_characters: int = MAX_SHORT_CHARACTERS


@dataclass(frozen=True, slots=True)
class Method:
    """One call: its parameters in their order, and what it answers."""

    name: str
    parameters: tuple[Parameter, ...]
    answers: Literal["string", "int", "strings"] = "string"
    ignores: tuple[str, ...] = ()
    """Parameters that some clients send and that mean nothing."""


_TICKET = Parameter("ticket", is_required=True)
_HRESULT, _MESSAGE = Parameter("hresult"), Parameter("message")

_ALL = (
    # Intuit's samples have it without a parameter, a WSDL that is in use elsewhere with one
    Method("serverVersion", (), ignores=("strVersion",)),
    Method("clientVersion", (Parameter("strVersion", is_required=True),)),
    Method(
        "authenticate",
        (Parameter("strUserName", is_required=True), Parameter("strPassword", is_required=True)),
        answers="strings",
    ),
    Method(
        "sendRequestXML",
        (
            _TICKET,
            Parameter("strHCPResponse", max_characters=MAX_TEXT_CHARACTERS),
            Parameter("strCompanyFileName"),
            Parameter("qbXMLCountry"),
            Parameter("qbXMLMajorVers", is_required=True, type="int"),
            Parameter("qbXMLMinorVers", is_required=True, type="int"),
        ),
    ),
    Method(
        "receiveResponseXML",
        (_TICKET, Parameter("response", max_characters=MAX_TEXT_CHARACTERS), _HRESULT, _MESSAGE),
        answers="int",
    ),
    Method("connectionError", (_TICKET, _HRESULT, _MESSAGE)),
    Method("getLastError", (_TICKET,)),
    Method("closeConnection", (_TICKET,)),
)
METHODS: Mapping[str, Method] = MappingProxyType({each.name: each for each in _ALL})
