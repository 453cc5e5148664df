"""Requests as the Web Connector, or somebody who means harm, would write them."""

from xml.sax.saxutils import escape

NAMESPACE = "http://developer.intuit.com/"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"


def request(method: str, namespace: str = NAMESPACE, **parameters: str) -> bytes:
    """An envelope as .NET writes it."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return enveloped(f'<{method} xmlns="{namespace}">{inner}</{method}>')


def enveloped(body: str, *, prolog: str = '<?xml version="1.0" encoding="utf-8"?>', soap: str = SOAP_11) -> bytes:
    return (
        f'{prolog}<soap:Envelope xmlns:soap="{soap}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()


def reply(response: str = "<QBXML/>", ticket: str = "t-1") -> bytes:
    return request("receiveResponseXML", ticket=ticket, response=response, hresult="", message="")
