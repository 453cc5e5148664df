"""Answers of connectors that anybody may write: whatever they contain, they can be stored and published."""

import json
from html import escape
from time import process_time
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from schemas.fields import FailureClass
from services.exporter.connectors.secrets import without_secrets
from services.exporter.connectors.types import (
    Exists,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
)
from services.exporter.rules.usable import Usable

USABLE = Usable()
ODD = "\x00two\nlines \ud800" + "x" * 50_000
GOOD = FoundDocument("PO 17", "PO-17", "https://erp.example.com/17", "m")


def test_good_answers_stay_as_they_are() -> None:
    for answer in (
        Landed((GOOD,)),
        Exists(GOOD),
        Unknown("No answer.", Refused(FailureClass.FIX_DATA, "No.", "V-1"), is_reached=True),
        Refused(FailureClass.FIX_DATA, "No.", "V-1"),
        Transient("Busy.", "V-1", 7.5, is_reached=True),
    ):
        assert USABLE.written(answer) == answer
    assert USABLE.found((GOOD, UnreadableDocument("PO-18"))) == (GOOD, UnreadableDocument("PO-18"))


def test_odd_members_of_a_document_are_left_out() -> None:
    assert USABLE.found((FoundDocument("7", ODD, "/po/7", "m"),)) == (FoundDocument("7", None, None, "m"),)


@pytest.mark.parametrize("bad", ["", "a\x00", ODD, None, 7])
def test_a_document_without_a_usable_id_is_unreadable(bad: str) -> None:
    document = FoundDocument(bad, "PO-17")

    assert USABLE.found((document, GOOD)) == (UnreadableDocument("PO-17"), GOOD)
    assert USABLE.written(Landed((document, GOOD))) == Landed((GOOD,))
    assert isinstance(USABLE.written(Landed((document,))), Unknown)
    refused = USABLE.written(Exists(document))
    assert isinstance(refused, Refused)
    assert refused.failure_class is FailureClass.FIX_SETUP


def test_messages_are_one_line_and_codes_that_cannot_be_stored_are_left_out() -> None:
    for answer in (
        USABLE.written(Unknown(ODD, Refused(FailureClass.FIX_DATA, ODD, ODD))),
        USABLE.written(Refused(FailureClass.FIX_DATA, ODD, ODD)),
        USABLE.found(Transient(ODD, ODD)),
    ):
        assert isinstance(answer, (Unknown, Refused, Transient))
        assert answer.message.startswith("two lines xxx")
        assert len(answer.message) == 2_000
        assert getattr(answer, "code", None) is None


@pytest.mark.parametrize(
    ("asked", "seconds"), [(float("nan"), 0.0), (float("inf"), 86_400.0), (-7.0, 0.0), (1e300, 86_400.0)]
)
def test_a_wait_is_within_its_bounds(asked: float, seconds: float) -> None:
    assert USABLE.found(Transient("Busy.", retry_after_seconds=asked)) == Transient(
        "Busy.", retry_after_seconds=seconds
    )


TOKEN = "s3cret/Token+7"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Bad header 'Authorization: Bearer {TOKEN}'.", "Bad header 'Authorization: Bearer …'."),
        (f"No token s3cret%2FToken%2B7 or {TOKEN} here.", "No token … or … here."),
        ("Ask postgres://erp:p@ss@db.internal/books.", "Ask postgres://…@db.internal/books."),
        (
            "See https://kim:pass@erp.example/po?access_token=abcd1234&x=1",
            "See https://…@erp.example/po?access_token=…&x=1",
        ),
        ('{"password": "hunter2!", "user": "kim"}', '{"password": "…", "user": "kim"}'),
        ("Authorization: Basic a2ltOnBhc3M=", "Authorization: Basic …"),
        ("Ask amqp://kim:p#ssw0rd@mq.example or http:\\/\\/kim:pw@b.", "Ask amqp://…@mq.example or http:\\/\\/…@b."),
        (r'{"body": "{\"password\": \"two words\", \"a\": 1}"}', r'{"body": "{\"password\": \"…\", \"a\": 1}"}'),
        (r'{"password": "pass\"word, one", "user": "kim"}', '{"password": "…", "user": "kim"}'),
        ("Authorization: Session a2ltOjc6OWY4ZQ==, from kim", "Authorization: Session …, from kim"),
        ("{'authorization': 'Key abc', 'Cookie': 'a=b'}", "{'authorization': '…', 'Cookie': '…'}"),
        ("Unknown header X-Api-Key: sk_live_4711abcdef", "Unknown header X-Api-Key: …"),
        ("Cookie: session=ab12; theme=dark, Host: erp", "Cookie: …, Host: erp"),
        ("It was Bearer abcdefghijklmno7 and Bearer 4711", "It was Bearer … and Bearer 4711"),
    ],
)
def test_secrets_that_an_erp_echoes_are_not_shown(said: str, shown: str) -> None:
    usable = Usable(SecretStr(TOKEN))

    refused = usable.written(Refused(FailureClass.FIX_DATA, said, said, next_step=said))
    unknown = usable.written(Unknown(said, Refused(FailureClass.FIX_DATA, said)))
    transient = usable.found(Transient(said))

    assert isinstance(refused, Refused)
    assert (refused.message, refused.code, refused.next_step) == (shown, shown, shown)
    assert isinstance(unknown, Unknown)
    assert unknown.refusal
    assert (unknown.message, unknown.refusal.message) == (shown, shown)
    assert isinstance(transient, Transient)
    assert transient.message == shown


@pytest.mark.parametrize(
    "said",
    [
        "The token: it has expired. The password is wrong; a basic contract needs one.",
        "Line 3//4 of https://erp.example/po/7 has no cost code. Ask kim@erp.example.",
        "Vendor key=12 is not known.",
        "See https://erp.example.com,help@example.com, or https://erp.example.com:8443/docs.",
        "Basic 03-30-00 is not a cost code. The item Basic 2x4-lumber is unknown.",
        "Authorization: this user has no right to read orders. Cookie: none.",
        "The bearer of this order is unknown.",
    ],
)
def test_words_without_a_secret_stay_as_they_are(said: str) -> None:
    assert Usable(SecretStr("pass")).found(Transient(said)) == Transient(said)


BASE64 = "ab/Cd+efGh+ijKl/mnOpQrSt=="


@pytest.mark.parametrize(
    ("token", "written"),
    [
        (BASE64, BASE64.replace("/", "\\/")),
        (BASE64, quote(BASE64)),
        (BASE64, "".join(f"%{ord(each):02x}" for each in BASE64)),
        (BASE64, BASE64.replace("/", "&#x2F;").replace("+", "&#43;").replace("=", "&equals;")),
        (BASE64, BASE64.replace("=", "\\u003d").replace("+", "\\u002B")),
        (BASE64, json.dumps(BASE64.replace("=", "\\u003d"))[1:-1]),
        (BASE64, f"{BASE64[:5]}\r\n {BASE64[5:]}"),
        (BASE64, f"{BASE64[:9]}\\n{BASE64[9:]}"),
        ('pass"word\\4711<&>x', json.dumps('pass"word\\4711<&>x')[1:-1]),
        ('pass"word\\4711<&>x', escape('pass"word\\4711<&>x')),
        ("DOMAIN\\nobody 47%41&lt;", "DOMAIN\\nobody 47%41&lt;"),
        ("DOMAIN\\nobody 47%41&lt;", quote("DOMAIN\\nobody 47%41&lt;")),
        ("correct horse 4711", "correct+horse+4711"),
        ("aaaaaaaab-aaaaaaaac", "aaaaaaaab-aaaaaaaac"),
    ],
)
def test_the_token_is_not_shown_however_it_is_spelled(token: str, written: str) -> None:
    said = Usable(SecretStr(token)).said(f"The call with {written} has failed.")

    assert said == "The call with … has failed."


@pytest.mark.parametrize("kept", [8, 9, 13])
def test_a_beginning_of_the_token_is_not_shown(kept: int) -> None:
    assert Usable(SecretStr(TOKEN)).said(f"Header: {TOKEN[:kept]}. Mend it.") == "Header: …. Mend it."
    assert Usable(SecretStr("aaaaaaaab-4711")).said("It is aaaaaaaaab-47") == "It is …"


def test_fewer_characters_than_tell_the_token_stay() -> None:
    assert Usable(SecretStr(TOKEN)).said(f"Header: {TOKEN[:7]}. Mend it.") == f"Header: {TOKEN[:7]}. Mend it."


@pytest.mark.parametrize("echoed", [TOKEN, quote(TOKEN, safe=""), f"//kim:{'hunter2' * 20}@"])
@pytest.mark.parametrize("before", range(0, 150, 7))
def test_what_is_cut_off_leaves_no_beginning_of_a_secret(echoed: str, before: int) -> None:
    said = Usable(SecretStr(TOKEN)).said("x" * before + echoed * 2_000)

    assert "s3c" not in said
    assert "hunt" not in said


@pytest.mark.parametrize(
    "page",
    [
        BASE64,
        BASE64[:-3],
        "".join(f"%{ord(each):02x}" for each in BASE64),
        "a ",
        "\\",
        '\\"',
        "&#",
        "//",
        "//a:" + "b" * 300,
        "token=",
        'token="' + "x" * 600 + "\\",
        "authorization: ",
        "cookie: a=b;",
        "bearer a",
        "x-api-",
    ],
)
def test_a_long_page_takes_no_long_time(page: str) -> None:
    assert_is_fast(BASE64, page)


def test_a_token_that_repeats_itself_takes_no_long_time() -> None:
    assert_is_fast("a" * 60 + "b", "a")


def assert_is_fast(token: str, page: str) -> None:
    """A quarter of the limit is usual; what tries again from each character takes minutes."""
    text = page * (1_000_000 // len(page))
    began = process_time()

    without_secrets(text, token)

    assert process_time() - began < 2.0


@pytest.mark.parametrize("secret", [f"?key={quote(TOKEN, safe='')}", "?access_token=abcd1234"])
def test_the_address_of_a_document_is_left_out_if_it_has_a_secret(secret: str) -> None:
    document = FoundDocument("7", "PO-7", f"https://erp.example.com/po/7{secret}", "m")

    assert Usable(SecretStr(TOKEN)).found((document,)) == (FoundDocument("7", "PO-7", None, "m"),)


def test_the_token_is_not_in_the_repr() -> None:
    assert TOKEN not in repr(Usable(SecretStr(TOKEN)))


def test_numbers_and_codes_show_what_they_are() -> None:
    document = FoundDocument("7", "PO-\u202e71\u2066\x1b[31m\n")

    assert USABLE.found((document,)) == (FoundDocument("7", "PO- 71 [31m"),)
    refused = USABLE.written(Refused(FailureClass.FIX_DATA, "No.", "V\u202e-1\t2"))
    assert isinstance(refused, Refused)
    assert refused.code == "V -1 2"


@pytest.mark.parametrize("bad", ["17\u202e", "\u200b17", "1\u20667"])
def test_a_document_whose_id_hides_what_it_is_is_unreadable(bad: str) -> None:
    assert USABLE.found((FoundDocument(bad, "PO-17"),)) == (UnreadableDocument("PO-17"),)
