"""Reads a request as XML, and bounds what that may cost: a call is a few tags around long texts.

A tree of many small elements takes thirty times as much memory as its text. So the tags are counted before anything is
built from them; entities are never declared, because a DOCTYPE is refused.
"""

import re

from lxml import etree

from services.exporter.connectors.hardened_xml import hardened_parser
from services.exporter.web_connector.faults import Fault

MAX_TAGS = 64
"""A call has at most 19, and the header of an envelope may have some."""
MAX_TAG_BYTES = 4_096

_ENCODING = re.compile(rb"""^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# A tag with its attributes, whose values may have a ">". Nothing in it is tried twice.
_TAG = re.compile(rb"""<(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")
_TEXTS = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"))


def parsed(body: bytes) -> etree._Element:
    """Return the root element of `body`; Fault if it is not a small tree in UTF-8, or has a DOCTYPE."""
    _check_encoding(body)
    _check_tags(body)
    try:
        root = etree.fromstring(body, hardened_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _unreadable(error) from error
    if root.getroottree().docinfo.doctype:
        raise _doctype()
    return root


def _check_encoding(body: bytes) -> None:
    declared = _ENCODING.match(body[:256])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if body.startswith(_UTF16_OR_32) or name not in ("utf-8", "utf8", "us-ascii"):
        raise Fault("encoding", "The message is not in UTF-8. Send it in UTF-8.")


def _check_tags(body: bytes) -> None:
    """Fault if there are more tags than a call can have, or a long one: each costs far more than its bytes."""
    at = body.find(b"<")
    for _ in range(MAX_TAGS):
        if at < 0:
            return
        at = body.find(b"<", _end_of_markup(body, at))
    raise Fault("too_many_tags", f"The message has more than {MAX_TAGS} tags. No call has so many.")


def _end_of_markup(body: bytes, at: int) -> int:
    for begin, end in _TEXTS:
        if body.startswith(begin, at):
            found = body.find(end, at)
            if found < 0:
                raise _malformed("a text has no end")
            return found + len(end)
    if body.startswith(b"<!", at):
        raise _doctype()
    tag = _TAG.match(body, at, at + MAX_TAG_BYTES)
    if tag is None:
        raise _malformed(f"a tag has no end within {MAX_TAG_BYTES:,} bytes")
    return tag.end()


def _unreadable(error: etree.XMLSyntaxError | ValueError) -> Fault:
    if "too long" in str(error):
        return Fault("text_too_long", "One value of the message is longer than 10,000,000 bytes. Send less.")
    if isinstance(error, etree.XMLSyntaxError):
        return _malformed(f"see line {error.lineno}, column {error.offset}")
    return _malformed("it has characters that XML does not have")


def _malformed(what: str) -> Fault:
    return Fault("malformed", f"The message is not well-formed XML in UTF-8: {what}.")


def _doctype() -> Fault:
    return Fault("doctype", "The message has a DOCTYPE, which SOAP does not allow. Send it without.")
