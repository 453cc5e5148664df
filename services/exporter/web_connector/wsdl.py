"""Describes the eight calls as WSDL 1.1, with the names that Intuit's `QBWebConnectorSvc.wsdl` has."""

from lxml import etree
from lxml.builder import ElementMaker

from services.exporter.web_connector.methods import METHODS, NAMESPACE, Method, Parameter

_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_HTTP_TRANSPORT = "http://schemas.xmlsoap.org/soap/http"
_SERVICE = "QBWebConnectorSvc"
_PORT = f"{_SERVICE}Soap"
_NAMESPACES = {"wsdl": _WSDL, "soap": _SOAP, "s": _SCHEMA, "tns": NAMESPACE}
_TYPES = {"string": "s:string", "int": "s:int", "strings": "tns:ArrayOfString"}

_s = ElementMaker(namespace=_SCHEMA, nsmap=_NAMESPACES)
_soap = ElementMaker(namespace=_SOAP, nsmap=_NAMESPACES)
_wsdl = ElementMaker(namespace=_WSDL, nsmap=_NAMESPACES)


def wsdl(url: str) -> bytes:
    """Return the WSDL of the endpoint at `url`."""
    methods = tuple(METHODS.values())
    definitions = _wsdl.definitions(
        _wsdl.types(_schema(methods)),
        *(message for method in methods for message in _messages(method)),
        _wsdl.portType(*map(_operation, methods), name=_PORT),
        _wsdl.binding(
            _soap.binding(transport=_HTTP_TRANSPORT, style="document"),
            *map(_bound_operation, methods),
            name=_PORT,
            type=f"tns:{_PORT}",
        ),
        _wsdl.service(
            _wsdl.port(_soap.address(location=url), name=_PORT, binding=f"tns:{_PORT}"),
            name=_SERVICE,
        ),
        targetNamespace=NAMESPACE,
    )
    return etree.tostring(definitions, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _schema(methods: tuple[Method, ...]) -> etree._Element:
    strings = _s.element(name="string", type="s:string", minOccurs="0", maxOccurs="unbounded", nillable="true")
    return _s.schema(
        *(element for method in methods for element in _elements(method)),
        _s.complexType(_s.sequence(strings), name="ArrayOfString"),
        targetNamespace=NAMESPACE,
        elementFormDefault="qualified",
    )


def _elements(method: Method) -> tuple[etree._Element, etree._Element]:
    """The element of a call and that of its answer."""
    answer = _member(f"{method.name}Result", method.answers)
    return _element(method.name, *map(_parameter, method.parameters)), _element(f"{method.name}Response", answer)


def _element(name: str, *members: etree._Element) -> etree._Element:
    return _s.element(_s.complexType(_s.sequence(*members)), name=name)


def _parameter(parameter: Parameter) -> etree._Element:
    return _member(parameter.name, parameter.type)


def _member(name: str, kind: str) -> etree._Element:
    least = "1" if kind == "int" else "0"
    return _s.element(name=name, type=_TYPES[kind], minOccurs=least, maxOccurs="1")


def _messages(method: Method) -> tuple[etree._Element, etree._Element]:
    def message(suffix: str, element: str) -> etree._Element:
        part = _wsdl.part(name="parameters", element=f"tns:{element}")
        return _wsdl.message(part, name=f"{method.name}{suffix}")

    return message("SoapIn", method.name), message("SoapOut", f"{method.name}Response")


def _operation(method: Method) -> etree._Element:
    return _wsdl.operation(
        _wsdl.input(message=f"tns:{method.name}SoapIn"),
        _wsdl.output(message=f"tns:{method.name}SoapOut"),
        name=method.name,
    )


def _bound_operation(method: Method) -> etree._Element:
    return _wsdl.operation(
        _soap.operation(soapAction=f"{NAMESPACE}{method.name}", style="document"),
        _wsdl.input(_soap.body(use="literal")),
        _wsdl.output(_soap.body(use="literal")),
        name=method.name,
    )
