"""Calls are read from SOAP 1.1 envelopes, and everything else is a fault that says what is wrong."""

import re

import pytest
from lxml import etree

from services.exporter.web_connector.envelope import read_call, write_answer, write_fault
from services.exporter.web_connector.faults import Fault
from services.exporter.web_connector.methods import METHODS
from tests.unit.exporter.web_connector.soap_messages import SOAP_11, enveloped, reply, request

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
XSI_NIL = '<closeConnection xmlns="http://developer.intuit.com/"><ticket xsi:nil="true"/></closeConnection>'


def reason_of(body: bytes, action: str = "") -> str:
    with pytest.raises(Fault) as refused:
        read_call(body, action)
    return refused.value.reason


def test_a_call_has_a_value_for_each_of_its_parameters() -> None:
    call = read_call(reply("<a>\u20ac &amp; \U0001f600</a>"))

    assert call.method == "receiveResponseXML"
    assert call.values == {
        "ticket": "t-1",
        "response": "<a>\u20ac &amp; \U0001f600</a>",
        "hresult": "",
        "message": "",
    }


def test_a_text_that_the_client_leaves_out_is_empty() -> None:
    assert read_call(request("receiveResponseXML", ticket="t-1")).values["response"] == ""


def test_a_text_may_be_in_cdata_and_around_comments() -> None:
    inner = "<ticket>a<!-- > -->b</ticket><response><![CDATA[<x>&</x>]]></response>"

    call = read_call(
        enveloped(f'<receiveResponseXML xmlns="http://developer.intuit.com/">{inner}</receiveResponseXML>')
    )

    assert (call.values["ticket"], call.values["response"]) == ("ab", "<x>&</x>")


def test_server_version_has_a_parameter_in_some_clients() -> None:
    assert read_call(request("serverVersion")) == read_call(request("serverVersion", strVersion="2.3"))


def test_the_namespace_may_have_any_prefix() -> None:
    body = '<q:closeConnection xmlns:q="http://developer.intuit.com/"><q:ticket>t</q:ticket></q:closeConnection>'

    assert read_call(enveloped(body)).values == {"ticket": "t"}


@pytest.mark.parametrize("action", ["", '""', "http://developer.intuit.com/closeConnection"])
def test_the_action_may_be_absent_or_that_of_the_call(action: str) -> None:
    assert read_call(request("closeConnection", ticket="t"), action).method == "closeConnection"
    assert read_call(request("closeConnection", ticket="t"), f'"{action}"').method == "closeConnection"


HOST_QUERY = {"ticket": "t", "qbXMLMajorVers": "13", "qbXMLMinorVers": "0"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"hello", "malformed"),
        (b"<a>", "malformed"),
        (b"<a", "malformed"),
        (b"<a><!-- ", "malformed"),
        (b"<a><![CDATA[ ", "malformed"),
        (enveloped("&unknown;"), "malformed"),
        (b"<Envelope/>", "soap_version"),
        (enveloped("<a/>", soap=SOAP_12), "soap_version"),
        (b"<html/>", "no_envelope"),
        (f'<Envelope xmlns="{SOAP_11}"/>'.encode(), "no_body"),
        (f'<Envelope xmlns="{SOAP_11}"><Body/><Body/></Envelope>'.encode(), "no_body"),
        (enveloped(""), "no_call"),
        (enveloped("<a/><b/>"), "no_call"),
        (request("dropTables"), "unknown_method"),
        (request("closeConnection", namespace="http://developer.intuit.com", ticket="t"), "unknown_method"),
        (request("closeConnection", namespace="", ticket="t"), "unknown_method"),
        (request("closeConnection"), "missing_parameter"),
        (request("authenticate", strUserName="u"), "missing_parameter"),
        (request("clientVersion"), "missing_parameter"),
        (request("sendRequestXML", ticket="t", qbXMLMajorVers="13"), "missing_parameter"),
        (enveloped(XSI_NIL), "missing_parameter"),
        (request("closeConnection", ticket="t", reason="r"), "unknown_parameter"),
        (enveloped(XSI_NIL.replace("<ticket", '<ticket xmlns=""')), "unknown_parameter"),
        (enveloped(XSI_NIL.replace("</close", "<ticket/></close")), "repeated_parameter"),
        (
            enveloped(XSI_NIL.replace("<ticket", "<ticket><b/></ticket><x").replace("<x xsi", "<y xsi")),
            "markup_in_text",
        ),
        (request("sendRequestXML", **HOST_QUERY | {"qbXMLMajorVers": "thirteen"}), "not_a_number"),
        (request("sendRequestXML", **HOST_QUERY | {"qbXMLMajorVers": "9" * 10}), "not_a_number"),
        (request("closeConnection", ticket="t" * 8_193), "long_parameter"),
    ],
)
def test_what_is_no_call_is_a_fault(body: bytes, reason: str) -> None:
    assert reason_of(body) == reason


def test_an_action_of_another_call_is_a_fault() -> None:
    assert reason_of(request("closeConnection", ticket="t"), '"http://developer.intuit.com/authenticate"') == (
        "action_mismatch"
    )


def test_a_header_that_must_be_understood_is_a_fault_and_others_are_not() -> None:
    body = request("closeConnection", ticket="t").decode()
    header = '<soap:Header><h xmlns="urn:x" soap:mustUnderstand="{}"/></soap:Header><soap:Body>'

    assert reason_of(body.replace("<soap:Body>", header.format(1)).encode()) == "header"
    assert read_call(body.replace("<soap:Body>", header.format(0)).encode()).values == {"ticket": "t"}


def test_an_answer_is_in_the_elements_that_the_wsdl_names() -> None:
    written = write_answer("authenticate", ("{t}", "", "60"))

    root = etree.fromstring(written)
    tags = [etree.QName(each).localname for each in root.iter()]
    assert tags == ["Envelope", "Body", "authenticateResponse", "authenticateResult", "string", "string", "string"]
    assert [each.text or "" for each in root.iter("{http://developer.intuit.com/}string")] == ["{t}", "", "60"]
    assert b'<authenticateResponse xmlns="http://developer.intuit.com/">' in written


@pytest.mark.parametrize("answer", ["", "<QBXML a='\u20ac'>&amp;\r\n</QBXML>", -1, 100])
def test_an_answer_comes_back_as_it_was(answer: str | int) -> None:
    result = etree.fromstring(write_answer("sendRequestXML", answer)).find(".//{*}sendRequestXMLResult")

    assert result is not None
    assert (result.text or "") == str(answer)


def test_characters_that_xml_does_not_have_are_replaced() -> None:
    assert "a\ufffdb\ufffd" in write_answer("getLastError", "a\x00b\ud800").decode()


def test_a_fault_has_a_code_and_a_sentence() -> None:
    written = write_fault(Fault("soap_version", "Send <this>.", "VersionMismatch")).decode()

    assert "<faultcode>soap:VersionMismatch</faultcode><faultstring>Send &lt;this&gt;.</faultstring>" in written


def test_each_call_is_read_with_exactly_what_it_requires() -> None:
    for name, method in METHODS.items():
        given = {each.name: "7" for each in method.parameters if each.is_required}
        assert read_call(request(name, **given)).method == name
        for required in given:
            without = {each: value for each, value in given.items() if each != required}
            assert reason_of(request(name, **without)) == "missing_parameter"


def test_no_sentence_repeats_what_the_sender_wrote_at_length() -> None:
    with pytest.raises(Fault) as refused:
        read_call(request("x" * 4_000))
    assert not re.search("x{101}", refused.value.sentence)
