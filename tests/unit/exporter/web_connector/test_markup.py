"""Requests that are made to cost much are refused before they do."""

import tracemalloc
from time import process_time

import pytest

from services.exporter.web_connector.faults import Fault
from services.exporter.web_connector.markup import MAX_TAG_BYTES, MAX_TAGS, parsed

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]><a>&l9;</a>"
)
MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LAUGHS.encode(), "doctype"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "doctype"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "doctype"),
        (b"<!doctype a><a/>", "doctype"),
        (b'<?xml version="1.0"?><!-- --> <!DOCTYPE a><a/>', "doctype"),
        (b'<!DOCTYPE a [<!ENTITY q "' + b"q" * 50_000 + b'">]><a>' + b"&q;" * 50_000 + b"</a>", "doctype"),
        (b"<a>" * 1_000_000, "too_many_tags"),
        (b"<a/>" * 4_000_000, "too_many_tags"),
        (b"<a>" + b"<!-- -->" * 1_000_000 + b"</a>", "too_many_tags"),
        (b"<a>" + b"<![CDATA[]]>" * 1_000_000 + b"</a>", "too_many_tags"),
        (b"<a>" + b"<?p?>" * 1_000_000 + b"</a>", "too_many_tags"),
        (b"<a " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>", "malformed"),
        (b"<a b='>' " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>", "malformed"),
        (b"<a b='" + b"x" * 16 * MEGABYTE + b"'/>", "malformed"),
        (b"<" + b"a" * 16 * MEGABYTE + b"/>", "malformed"),
        (b"<a><![CDATA[" + b"x" * 16 * MEGABYTE, "malformed"),
        (b"<a>" + b"x" * 16 * MEGABYTE + b"</a>", "text_too_long"),
        ("<a>x</a>".encode("utf-16"), "encoding"),
        ("<a>x</a>".encode("utf-16-le"), "encoding"),
        ("<a>x</a>".encode("utf-16-be"), "encoding"),
        ("<a>x</a>".encode("utf-32"), "encoding"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', "encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>', "encoding"),
        (b'<?xml version="1.0" encoding="utf-8"?><a>\xe9</a>', "malformed"),
        (b"<a>\x00</a>", "malformed"),
        (b"<a>&#0;</a>", "malformed"),
        (b"<a>\xed\xa0\x80</a>", "malformed"),
        (b"\x00" * 100, "encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_a_request_that_is_too_much_is_refused_at_once_and_without_memory(body: bytes, reason: str) -> None:
    started = process_time()
    with pytest.raises(Fault) as refused:
        parsed(body)
    assert refused.value.reason == reason
    assert process_time() - started < 2


def test_a_text_of_nothing_but_escaped_characters_is_read_in_time() -> None:
    started = process_time()

    root = parsed(b"<a>" + b"&lt;" * 4_000_000 + b"</a>")

    assert root.text == "<" * 4_000_000
    assert process_time() - started < 5


def test_as_many_tags_as_a_call_may_have_are_read() -> None:
    inner = b"<b/>" * (MAX_TAGS - 3)

    assert len(parsed(b"<a>" + inner + b"</a>")) == MAX_TAGS - 3
    with pytest.raises(Fault):
        parsed(b"<a>" + inner + b"<b/><b/></a>")


def test_a_tag_may_be_as_long_as_a_namespace_needs() -> None:
    value = b"x" * (MAX_TAG_BYTES - len(b'<a b=""/>'))

    assert parsed(b'<a b="' + value + b'"/>').get("b")
    with pytest.raises(Fault):
        parsed(b'<a b="x' + value + b'"/>')


def test_counting_tags_copies_nothing() -> None:
    body = b"<a>" + b"x" * 9 * MEGABYTE + b"<!-- -->" + b"</a><b>"
    tracemalloc.start()
    with pytest.raises(Fault):
        parsed(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < MEGABYTE


def test_a_byte_order_mark_of_utf_8_is_fine() -> None:
    assert parsed(b"\xef\xbb\xbf<?xml version='1.0'?><a>x</a>").text == "x"
