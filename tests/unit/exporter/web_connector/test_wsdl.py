"""The WSDL describes eight calls, with the elements and types that Intuit's has."""

from lxml import etree

from services.exporter.web_connector.methods import METHODS
from services.exporter.web_connector.wsdl import wsdl

NAMESPACES = {
    "w": "http://schemas.xmlsoap.org/wsdl/",
    "soap": "http://schemas.xmlsoap.org/wsdl/soap/",
    "s": "http://www.w3.org/2001/XMLSchema",
}
# Transcribed from QBWebConnectorSvc.wsdl: name, type and least number of each element of a call and of its answer.
INTUITS = {
    "serverVersion": ([], ("s:string", "0")),
    "clientVersion": ([("strVersion", "s:string", "0")], ("s:string", "0")),
    "authenticate": (
        [("strUserName", "s:string", "0"), ("strPassword", "s:string", "0")],
        ("tns:ArrayOfString", "0"),
    ),
    "sendRequestXML": (
        [
            ("ticket", "s:string", "0"),
            ("strHCPResponse", "s:string", "0"),
            ("strCompanyFileName", "s:string", "0"),
            ("qbXMLCountry", "s:string", "0"),
            ("qbXMLMajorVers", "s:int", "1"),
            ("qbXMLMinorVers", "s:int", "1"),
        ],
        ("s:string", "0"),
    ),
    "receiveResponseXML": (
        [(name, "s:string", "0") for name in ("ticket", "response", "hresult", "message")],
        ("s:int", "1"),
    ),
    "connectionError": ([(name, "s:string", "0") for name in ("ticket", "hresult", "message")], ("s:string", "0")),
    "getLastError": ([("ticket", "s:string", "0")], ("s:string", "0")),
    "closeConnection": ([("ticket", "s:string", "0")], ("s:string", "0")),
}


def described() -> etree._Element:
    return etree.fromstring(wsdl("https://erp.example/quickbooks?a=1&b=2"))


def elements(root: etree._Element, name: str) -> list[tuple[str | None, str | None, str | None]]:
    found = root.findall(f".//s:schema/s:element[@name='{name}']/s:complexType/s:sequence/s:element", NAMESPACES)
    return [(each.get("name"), each.get("type"), each.get("minOccurs")) for each in found]


def test_it_has_the_calls_and_types_of_intuits() -> None:
    root = described()

    for name, (parameters, (kind, least)) in INTUITS.items():
        assert elements(root, name) == parameters
        assert elements(root, f"{name}Response") == [(f"{name}Result", kind, least)]
    assert set(INTUITS) == set(METHODS)


def test_each_of_the_eight_calls_is_bound_with_its_action() -> None:
    root = described()

    ported = [each.get("name") for each in root.findall("w:portType/w:operation", NAMESPACES)]
    actions = [each.get("soapAction") for each in root.findall("w:binding/w:operation/soap:operation", NAMESPACES)]
    assert len(ported) == 8
    assert actions == [f"http://developer.intuit.com/{name}" for name in ported]


def test_it_names_the_address_as_it_is() -> None:
    address = described().find(".//soap:address", NAMESPACES)

    assert address is not None
    assert address.get("location") == "https://erp.example/quickbooks?a=1&b=2"
