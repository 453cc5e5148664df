"""SOAP 1.1 with document/literal bodies: reads a call from an envelope, and writes its answer or a fault."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from services.exporter.web_connector.faults import Fault
from services.exporter.web_connector.markup import parsed
from services.exporter.web_connector.methods import METHODS, NAMESPACE, Answer, Method, Parameter

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
SPEAKS_SOAP_11 = "This address speaks SOAP 1.1. Send a SOAP 1.1 envelope as text/xml."

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# What XML 1.0 cannot carry; an ERP's words may have it.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INT = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call with a value for each of its parameters, empty if the client left it out."""

    method: str
    values: Mapping[str, str]


def read_call(body: bytes, action: str = "") -> Call:
    """Return the call in `body`; Fault if it is none. `action` is the header SOAPAction, empty if there is none."""
    element = _only_child_of_body(parsed(body))
    namespace, name = _name(element)
    method = METHODS.get(name) if namespace == NAMESPACE else None
    if method is None:
        raise Fault("unknown_method", f"There is no call {name[:100]} here. The calls are {', '.join(METHODS)}.")
    if action.strip('" ') not in ("", NAMESPACE + name):
        raise Fault("action_mismatch", f"The header SOAPAction names another call than the message, {name}.")
    return Call(name, _values(method, element))


def write_answer(method: str, answer: Answer) -> bytes:
    """Return the envelope with the answer to a call."""
    body, envelope = _envelope()
    response = etree.SubElement(body, f"{{{NAMESPACE}}}{method}Response", nsmap={None: NAMESPACE})
    result = etree.SubElement(response, f"{{{NAMESPACE}}}{method}Result")
    if isinstance(answer, tuple):
        for each in answer:
            etree.SubElement(result, f"{{{NAMESPACE}}}string").text = _clean(each)
    else:
        result.text = _clean(str(answer))
    return _serialised(envelope)


def write_fault(fault: Fault) -> bytes:
    """Return the envelope with `fault`."""
    body, envelope = _envelope()
    element = etree.SubElement(body, f"{{{SOAP_11}}}Fault")
    etree.SubElement(element, "faultcode").text = f"soap:{fault.code}"
    etree.SubElement(element, "faultstring").text = _clean(fault.sentence)
    return _serialised(envelope)


def _only_child_of_body(root: etree._Element) -> etree._Element:
    namespace, name = _name(root)
    if name == "Envelope" and namespace != SOAP_11:
        raise Fault("soap_version", SPEAKS_SOAP_11, "VersionMismatch")
    if name != "Envelope":
        raise Fault("no_envelope", "The message is not a SOAP envelope.")
    children = list(root)
    if children and children[0].tag == f"{{{SOAP_11}}}Header":
        _check_header(children.pop(0))
    if [each.tag for each in children] != [f"{{{SOAP_11}}}Body"]:
        raise Fault("no_body", "The envelope must have one Body, and nothing after it.")
    calls = list(children[0])
    if len(calls) != 1:
        raise Fault("no_call", f"The Body must have one call. It has {len(calls)}.")
    return calls[0]


def _check_header(header: etree._Element) -> None:
    for entry in header:
        if entry.get(f"{{{SOAP_11}}}mustUnderstand") in ("1", "true"):
            raise Fault("header", "The envelope has a header that must be understood, and is not.", "MustUnderstand")


def _values(method: Method, element: etree._Element) -> Mapping[str, str]:
    known = {each.name for each in method.parameters} | set(method.ignores)
    given: dict[str, str | None] = {}
    for child in element:
        namespace, name = _name(child)
        if namespace != NAMESPACE or name not in known:
            raise Fault("unknown_parameter", f"{method.name} has no parameter {name[:100]} in its namespace.")
        if name in given:
            raise Fault("repeated_parameter", f"The parameter {name} of {method.name} is given more than once.")
        if len(child):
            raise Fault("markup_in_text", f"The parameter {name} of {method.name} must be text. Escape the XML in it.")
        given[name] = None if child.get(_NIL) in ("1", "true") else child.text or ""
    return {each.name: _value(method, each, given.get(each.name)) for each in method.parameters}


def _value(method: Method, parameter: Parameter, text: str | None) -> str:
    if text is None and parameter.is_required:
        raise Fault("missing_parameter", f"The parameter {parameter.name} of {method.name} is missing.")
    value = text or ""
    if len(value) > parameter.max_characters:
        raise Fault(
            "long_parameter",
            f"The parameter {parameter.name} of {method.name} is longer than {parameter.max_characters:,} characters.",
        )
    if parameter.type == "int" and not _INT.fullmatch(value := value.strip()):
        raise Fault("not_a_number", f"The parameter {parameter.name} of {method.name} must be a whole number.")
    return value


def _name(element: etree._Element) -> tuple[str, str]:
    name = etree.QName(element)
    return name.namespace or "", name.localname


def _envelope() -> tuple[etree._Element, etree._Element]:
    """Return the Body to write into, and its envelope."""
    envelope = etree.Element(f"{{{SOAP_11}}}Envelope", nsmap={"soap": SOAP_11})
    return etree.SubElement(envelope, f"{{{SOAP_11}}}Body"), envelope


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


def _serialised(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
