"""The mailbox over SMTP and HTTP."""

from email.message import EmailMessage

import aiosmtplib
import pytest
from httpx2 import AsyncClient

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind, running_mailbox
from sandbox.serving import LOOPBACK

HTML = "<html><head><title>x</title></head><body><script>alert(1)</script><p>Rejected by <b>Dana</b></p></body></html>"


def a_mail(*, to: str = "sam.lee@harbor-builders.example", subject: str = "Rejected: SC-014 Größe, 石") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Countersign <countersign@harbor-builders.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = "<abc@countersign>"
    mail.set_content("Reason: <b>cost code</b> is closed.\nhttps://pm.example/commitments/8841\n")
    mail.add_alternative(HTML, subtype="html")
    return mail


async def send(mailbox: Mailbox, mail: EmailMessage) -> None:
    port = int(mailbox.smtp_url.rpartition(":")[2])
    await aiosmtplib.send(mail, hostname=LOOPBACK, port=port, start_tls=False, timeout=5)


async def test_a_mail_is_kept_with_its_envelope_text_and_html() -> None:
    async with running_mailbox() as mailbox, AsyncClient(base_url=mailbox.url) as client:
        await send(mailbox, a_mail())
        await send(mailbox, a_mail(to="ana.gil@harbor-builders.example"))
        found = (await client.get("/api/messages", params={"to": "SAM.LEE@harbor-builders.example"})).json()["messages"]
        message = (await client.get(f"/api/messages/{found[0]['id']}")).json()
    assert [line["to"] for line in found] == [["sam.lee@harbor-builders.example"]]
    assert message["subject"] == "Rejected: SC-014 Größe, 石"
    assert message["message_id"] == message["headers"]["Message-ID"] == "<abc@countersign>"
    assert message["text"].startswith("Reason: <b>cost code</b>")
    assert "<b>Dana</b>" in message["html"]


async def test_the_pages_show_a_mail_without_running_its_scripts() -> None:
    async with running_mailbox() as mailbox, AsyncClient(base_url=mailbox.url) as client:
        await send(mailbox, a_mail(subject="<script>alert(1)</script>"))
        listing = await client.get("/")
        page = await client.get("/messages/1")
        html = await client.get("/messages/1/html")
        source = await client.get("/messages/1/source")
        missing = await client.get("/messages/2")
    assert "&lt;script&gt;" in listing.text
    assert "<script" not in listing.text
    assert "&lt;b&gt;cost code&lt;/b&gt;" in page.text
    assert '<a href="https://pm.example/commitments/8841"' in page.text
    assert 'iframe sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert html.headers["content-security-policy"].startswith("sandbox ")
    assert '<base target="_blank">' in html.text
    assert "Message-ID: <abc@countersign>" in source.text
    assert missing.status_code == 404


async def test_a_recipient_is_refused_temporarily_and_the_next_attempt_succeeds() -> None:
    async with running_mailbox() as mailbox:
        mailbox.faults.switch_on(MailFault(kind=MailFaultKind.REFUSE_FOR_NOW, times=1))
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(mailbox, a_mail())
        await send(mailbox, a_mail())
    assert refused.value.recipients[0].code == 451
    assert len(mailbox.messages) == 1


async def test_a_fault_can_be_limited_to_one_recipient() -> None:
    fault = {"kind": "refuse_for_good", "recipient": "ana.gil@harbor-builders.example"}
    async with running_mailbox() as mailbox, AsyncClient(base_url=mailbox.url) as client:
        assert (await client.put("/faults", json={"faults": [fault]})).json()["faults"] == [fault | {"times": None}]
        await send(mailbox, a_mail())
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(mailbox, a_mail(to="ana.gil@harbor-builders.example"))
    assert refused.value.recipients[0].code == 550
    assert len(mailbox.messages) == 1


async def test_a_connection_cut_after_the_final_dot_leaves_the_mail_kept_but_unanswered() -> None:
    async with running_mailbox() as mailbox:
        mailbox.faults.switch_on(MailFault(kind=MailFaultKind.CUT_AFTER_DOT, times=1))
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(mailbox, a_mail())
    assert [message.was_answered for message in mailbox.messages] == [False]


async def test_faults_are_switched_on_and_off_on_their_page() -> None:
    async with running_mailbox() as mailbox, AsyncClient(base_url=mailbox.url) as client:
        await client.post("/faults", data={"kind": "cut_after_dot", "times": "", "recipient": ""})
        await client.post("/faults", data={"kind": "refuse_for_now", "times": "3", "recipient": "a@b.example"})
        page = await client.get("/faults", headers={"accept": "text/html"})
        await client.post("/faults/0/off")
    assert "cut after dot" in page.text
    assert mailbox.faults.faults == (MailFault(kind=MailFaultKind.REFUSE_FOR_NOW, times=3, recipient="a@b.example"),)


async def test_an_open_connection_does_not_outlive_the_mailbox() -> None:
    async with running_mailbox() as mailbox:
        port = int(mailbox.smtp_url.rpartition(":")[2])
        client = aiosmtplib.SMTP(hostname=LOOPBACK, port=port, start_tls=False, timeout=5)
        await client.connect()
    with pytest.raises(aiosmtplib.SMTPException):
        await client.noop()
