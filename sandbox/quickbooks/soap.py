"""Calls the SOAP service of an application as the Web Connector does: SOAP 1.1, one element for each parameter."""

from collections.abc import Mapping

import httpx2
from lxml import etree

NAMESPACE = "http://developer.intuit.com/"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_HEADERS = {
    "Content-Type": "text/xml; charset=utf-8",
    "User-Agent": "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)",
}


class SoapError(Exception):
    """The service answered with a fault or with something else than a result; the text says what."""


class SoapClient:
    """The service at `url`, called through `client`."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url

    async def strings(self, method: str, **parameters: str) -> list[str]:
        """Call a method and return the strings of its result: one, or those of an array.

        Raises SoapError if there is no result, httpx2.HTTPError if nobody answers.
        """
        headers = _HEADERS | {"SOAPAction": f'"{NAMESPACE}{method}"'}
        answer = await self._client.post(self.url, content=_envelope(method, parameters), headers=headers)
        return _result(method, answer)

    async def string(self, method: str, **parameters: str) -> str:
        """Call a method whose result is one string, and return it; raises as `strings`."""
        return (await self.strings(method, **parameters))[0]


def _envelope(method: str, parameters: Mapping[str, str]) -> bytes:
    envelope = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"soap": _ENVELOPE})
    body = etree.SubElement(envelope, f"{{{_ENVELOPE}}}Body")
    call = etree.SubElement(body, f"{{{NAMESPACE}}}{method}", nsmap={None: NAMESPACE})
    for name, value in parameters.items():
        etree.SubElement(call, f"{{{NAMESPACE}}}{name}").text = value
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")


def _result(method: str, answer: httpx2.Response) -> list[str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        body = etree.fromstring(answer.content, parser).find(f"{{{_ENVELOPE}}}Body")
    except etree.XMLSyntaxError as error:
        raise SoapError(f"{method} was answered with {answer.status_code} and no XML") from error
    if body is not None and (fault := body.find(f"{{{_ENVELOPE}}}Fault")) is not None:
        raise SoapError(f"{method} was answered with a fault: {fault.findtext('faultstring')}")
    name = f"{{{NAMESPACE}}}{method}"
    result = body.find(f"{name}Response/{name}Result") if body is not None else None
    if answer.is_error or result is None:
        raise SoapError(f"{method} was answered with {answer.status_code} and no result")
    return [each.text or "" for each in result] if len(result) else [result.text or ""]
