"""The composed message: its header, its two parts, its size."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parseaddr
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from schemas.commitment import Person, Summary
from schemas.events import Change, CurrencyTotal, DigestSection
from schemas.fields import Status
from services.notifier.composing import MAX_MESSAGE_BYTES
from services.notifier.rules.addresses import Address
from services.notifier.rules.mails.mail import Mail, message_id, thread_id
from services.notifier.rules.mails.mail_type import MailData
from services.notifier.rules.wording import one_line
from tests.unit.notifier.event_builders import (
    COMPOSER,
    DANA,
    ONE_OF_EACH,
    SAM,
    SUMMARY,
    answered,
    digest_ready,
    digest_row,
    export_failed,
    failure,
    mail_of,
    question,
    rejected,
    resent,
)

DOMAIN = "desk.example"
SOMEBODY = Address("somebody", "pm.example")
HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}'
LINK = re.compile(r"https?://[^\s<>\"]+")
COMMON_FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
# what an attacker would put into a title or a name to add a header
nasty_text = st.lists(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\u2028", "\x85", "Bcc: x@evil.example", "=?utf-8?q?=0D=0ABcc:_x?=", '"', "\\"]
    )
    | st.text(max_size=30),
    max_size=12,
).map("".join)


class Page(HTMLParser):
    """The words, links and tags of an HTML page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    @property
    def links(self) -> set[str | None]:
        return {attributes["href"] for tag, attributes in self.tags if tag == "a"}


def composed(data: MailData) -> EmailMessage:
    message = message_from_bytes(COMPOSER.compose(mail_of(data), SOMEBODY), policy=default)
    assert not message.defects
    return message


def page_of(data: MailData) -> Page:
    return Page(COMPOSER.parts(mail_of(data))[1])


def recipient(mail: Mail) -> tuple[str, str]:
    """Name and address in To; the newer parser would keep the spaces between encoded words."""
    field = message_from_bytes(COMPOSER.compose(mail, SOMEBODY), policy=compat32)["To"]
    name, address = parseaddr("".join(field.splitlines()))
    return str(make_header(decode_header(name))), address


def content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("data", [export_failed(), resent()])
def test_a_mail_carries_these_fields_and_no_others(data: MailData) -> None:
    message, mail = composed(data), mail_of(data)
    assert message.keys() == COMMON_FIELDS
    assert message["From"] == "Countersign <erp@desk.example>"
    assert message["To"].addresses[0].display_name == mail.recipient.name
    assert message["Message-ID"] == message_id(mail, DOMAIN)
    assert message["References"] == thread_id(mail, DOMAIN)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Date"].datetime == mail.created_at


@pytest.mark.parametrize("data", [rejected(), question()])
def test_a_reply_to_a_rejection_or_a_question_goes_to_the_approver(data: MailData) -> None:
    message = composed(data)
    assert sorted(message.keys()) == sorted([*COMMON_FIELDS, "Reply-To"])
    assert message["Reply-To"].addresses[0].addr_spec == DANA.email


def test_a_reply_to_an_answer_goes_to_whoever_answered() -> None:
    assert composed(answered())["Reply-To"].addresses[0].addr_spec == SAM.email


def test_only_the_daily_summary_has_one_click_unsubscribe() -> None:
    url = f"https://desk.example/u/{'token' * 60}"
    message = composed(digest_ready(unsubscribe_url=url))
    assert message["List-Id"] == '"ERP Integrations Daily Summary" <daily-summary.desk.example>'
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(message.keys()) == len(COMMON_FIELDS) + 3


def test_ids_and_links_are_not_broken_up_or_encoded_in_the_header() -> None:
    mail = mail_of(digest_ready(unsubscribe_url=f"https://desk.example/u/{'t' * 200}"))
    source = COMPOSER.compose(mail, SOMEBODY).decode("ascii")
    assert f"\r\nMessage-ID: {message_id(mail, DOMAIN)}\r\n" in source
    assert f"\r\nReferences: {thread_id(mail, DOMAIN)}\r\n" in source
    assert f"\r\nList-Unsubscribe: <https://desk.example/u/{'t' * 200}>\r\n" in source


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_a_repeat_is_the_same_message_byte_for_byte(data: MailData) -> None:
    first, again = (COMPOSER.compose(mail_of(data), SOMEBODY) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_the_text_part_comes_before_the_html_part(data: MailData) -> None:
    message = composed(data)
    text, html = COMPOSER.parts(mail_of(data))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert content(message, "plain").splitlines() == text.splitlines()
    assert content(message, "html").splitlines() == html.splitlines()


@settings(deadline=None)  # a slow machine must not fail the test
@given(title=nasty_text, number=nasty_text, name=nasty_text)
def test_no_user_text_can_add_a_header(title: str, number: str, name: str) -> None:
    summary = SUMMARY.model_copy(
        update={
            "title": title,
            "number": number,
            "project": name,
            "creator": Person.model_construct(id="p-1", name=name, email="a@pm.example"),
        }
    )
    data = rejected().model_copy(update={"summary": summary})
    message = composed(data)
    assert sorted(message.keys()) == sorted([*COMMON_FIELDS, "Reply-To"])
    assert message["Subject"] == mail_of(data).subject
    assert recipient(mail_of(data)) == (one_line(name, 80), str(SOMEBODY))


@settings(deadline=None)  # as above
@given(reason=st.text(min_size=1))
def test_both_parts_contain_the_whole_reason(reason: str) -> None:
    message = composed(rejected().model_copy(update={"reason": reason}))
    words = " ".join(filter(None, map(one_line, reason.splitlines())))
    assert f"Reason: {words}".strip() in " ".join(content(message, "plain").split())
    assert f"Reason {words}".strip() in Page(content(message, "html")).words


def test_long_headers_are_folded() -> None:
    summary = SUMMARY.model_copy(update={"title": "Größe 石 " * 60, "project": "Turm, Fluß " * 20})
    head = COMPOSER.compose(mail_of(rejected(summary)), SOMEBODY).partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.splitlines() if not line.startswith((b"Message-ID", b"References")))


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_the_html_part_names_its_language_and_loads_nothing(data: MailData) -> None:
    page = page_of(data)
    tags = [tag for tag, _ in page.tags]
    assert ("html", "en") in [(tag, attributes.get("lang")) for tag, attributes in page.tags]
    assert tags.count("h1") == 1
    assert {"name": "color-scheme", "content": "light dark"} in [attributes for _, attributes in page.tags]
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert not {"img", "script", "link", "style", "form", "iframe"} & set(tags)


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_both_parts_have_the_same_links(data: MailData) -> None:
    text, html = COMPOSER.parts(mail_of(data))
    assert set(LINK.findall(text)) == Page(html).links


@pytest.mark.parametrize("data", ONE_OF_EACH)
def test_both_parts_say_the_same(data: MailData) -> None:
    text, html = COMPOSER.parts(mail_of(data))
    html_words = set(re.findall(r"[\w.,]+", Page(html).words.casefold()))
    layout = {"as", "what", "changed", "note", "open", "sam's", "s"}
    text_words = (
        set(re.findall(r"[\w.,]+", LINK.sub("", text).casefold())) - {f"{step}." for step in range(1, 3)} - layout
    )
    assert {word.strip(".,") for word in text_words} - {word.strip(".,") for word in html_words} == set()


def hostile_summary() -> Summary:
    person = Person(id="p-x", name=HOSTILE, email="x@pm.example")
    texts = dict.fromkeys(("number", "title", "project", "vendor"), HOSTILE)
    return SUMMARY.model_copy(update={**texts, "creator": person, "sent_by": person})


@pytest.mark.parametrize(
    "data",
    [
        rejected(hostile_summary(), reason=HOSTILE, decided_by=hostile_summary().creator),
        export_failed(hostile_summary(), failure=failure(message=HOSTILE, code=HOSTILE, next_step=HOSTILE)),
        resent(
            hostile_summary(),
            previous_reason=HOSTILE,
            note=HOSTILE,
            changes=(Change(field=HOSTILE, before=HOSTILE, after=HOSTILE),),
        ),
        question(hostile_summary(), question=HOSTILE, asked_by=hostile_summary().creator),
        answered(hostile_summary(), question=HOSTILE, answer=HOSTILE, answered_by=hostile_summary().creator),
        digest_ready(
            waiting=DigestSection(count=1, rows=(digest_row(HOSTILE, Status.READY, 1, HOSTILE, vendor=HOSTILE),)),
            failed=DigestSection(count=1, rows=(digest_row(HOSTILE, Status.FAILED, 1, HOSTILE),)),
        ).model_copy(update={"recipient": hostile_summary().creator}),
    ],
    ids=["rejected", "export_failed", "resent", "question", "answered", "digest"],
)
def test_markup_in_user_text_is_escaped(data: MailData) -> None:
    page = page_of(data)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert '<script>alert("1")</script>' in page.words
    assert "{{ 7 * 7 }}" in page.words
    assert "<script>" in COMPOSER.parts(mail_of(data))[0]


def test_a_template_with_an_undefined_variable_fails() -> None:
    with pytest.raises(UndefinedError):
        COMPOSER._templates.get_template("rejected/body.txt.j2").render({})


def summary_of(waiting: int, prefix: str = "SC-", **summary: str) -> MailData:
    listed = range(min(waiting, 100))
    rows = tuple(digest_row(f"{prefix}{number:04}", Status.READY, 9, **summary) for number in listed)
    totals = (CurrencyTotal(currency="USD", total="960500000.00"),)
    return digest_ready(waiting=DigestSection(count=waiting, totals=totals, oldest_days=9, rows=rows))


def test_a_summary_of_2000_commitments_lists_100_and_counts_the_rest() -> None:
    message = composed(summary_of(2_000))
    text, html = content(message, "plain"), content(message, "html")
    assert text.startswith("2,000 wait for you, USD 960,500,000.00, the oldest 9 days.")
    assert text.count("9 days SC-") == 100
    assert "and 1,900 more: https://desk.example/" in text
    assert html.count('scope="row"') == 100
    assert "1,900 more" in html
    assert len(message.as_bytes()) <= MAX_MESSAGE_BYTES


def test_a_summary_with_long_non_ascii_names_lists_fewer_rows_to_stay_within_the_size_limit() -> None:
    mail = mail_of(summary_of(2_000, prefix="番" * 100, vendor="石" * 60))
    message = COMPOSER.compose(mail, SOMEBODY)
    text = content(message_from_bytes(message, policy=default), "plain")
    shown = text.count("9 days ")
    assert 0 < shown < 100
    assert f"and {2_000 - shown:,} more: " in text
    assert len(message) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("email", ["石@acc.example", "dana:ruiz@acc.example", "dana(acc)@acc.example"])
def test_a_rejection_has_no_reply_to_if_the_approvers_address_cannot_be_written_there(email: str) -> None:
    unreachable = DANA.model_copy(update={"email": email})
    assert composed(rejected(decided_by=unreachable))["Reply-To"] is None


def test_the_domain_of_a_reply_is_written_in_ascii() -> None:
    message = composed(rejected(decided_by=DANA.model_copy(update={"email": "dana@straße.example"})))
    assert message["Reply-To"].addresses[0].addr_spec == "dana@xn--strae-oqa.example"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Sam\r\nBcc: x@evil.example", "Sam Bcc: x@evil.example"),
        ("Sam\u2028Lee\x00\x1b", "Sam Lee"),
        ("\u202eeeL maS\u2069", "eeL maS"),
        ("=?utf-8?q?x=40evil=2Eexample?=", "=?utf-8?q?x=40evil=2Eexample?="),
        ('x@evil.example" <x@evil.example>, "Sam', 'x@evil.example" <x@evil.example>, "Sam'),
        ("Lee, Sam; (site): <x@evil.example>", "Lee, Sam; (site): <x@evil.example>"),
    ],
)
def test_a_name_adds_no_recipient_and_disguises_none(name: str, written: str) -> None:
    mail = mail_of(rejected(SUMMARY.model_copy(update={"creator": DANA.model_copy(update={"name": name})})))
    assert recipient(mail) == (written, str(SOMEBODY))
    field = message_from_bytes(COMPOSER.compose(mail, SOMEBODY), policy=default)["To"]
    assert [each.addr_spec for each in field.addresses] == [str(SOMEBODY)]


def test_a_mail_to_a_non_ascii_address_has_its_addresses_in_utf_8_and_all_else_in_ascii() -> None:
    data = rejected(decided_by=DANA.model_copy(update={"name": "Größe 石", "email": "石@acc.example"}))
    message = COMPOSER.compose(mail_of(data), Address("größe", "pm.example"))
    lines = message.split(b"\r\n")
    assert [line for line in lines if not line.isascii()] == [
        b'To: "Ana Gil" <gr\xc3\xb6\xc3\x9fe@pm.example>',
        b"Reply-To: =?utf-8?b?R3LDtsOfZSDnn7M=?= <\xe7\x9f\xb3@acc.example>",
    ]


def test_the_date_of_a_mail_is_when_it_was_queued() -> None:
    mail = mail_of(rejected())
    assert mail.created_at - mail.occurred_at == timedelta(0)
    assert composed(rejected())["Date"].datetime == mail.created_at
