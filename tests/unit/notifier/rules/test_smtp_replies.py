"""Replies of mail servers, as Postfix, Exim, Exchange Online, Gmail and others word them, and whom they are about."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.rules.delivery import Delivery
from services.notifier.rules.smtp_replies import MEANINGS, About, Stage, delivery_of, meaning_of

OPENING, MAIL, RCPT, DATA = Stage

ABOUT_US = [
    (OPENING, 535, "5.7.8 Error: authentication failed: UGFzc3dvcmQ6"),
    (OPENING, 535, "5.7.3 Authentication unsuccessful [AM0PR01CA0123.eurprd01.prod.exchangelabs.com]"),
    (OPENING, 535, "5.7.9 Application-specific password required"),
    (OPENING, 534, "5.7.9 Please log in with your web browser and then try again"),
    (OPENING, 554, "5.7.1 You are not allowed to connect"),
    (OPENING, 550, "No"),
    (OPENING, 502, "Command not implemented"),
    (MAIL, 530, "5.7.0 Must issue a STARTTLS command first"),
    (MAIL, 530, "5.7.57 Client not authenticated to send mail"),
    (MAIL, 530, "Authentication required"),
    (MAIL, 550, "Who are you?"),
    (MAIL, 550, "5.1.8 <erp@desk.example>: Sender address rejected: Domain not found"),
    (MAIL, 553, "5.1.3 <erp@>: bad address syntax"),
    (MAIL, 421, "4.7.0 TLS required for RCPT domain, closing connection"),
    (RCPT, 554, "5.7.1 <sam@pm.example>: Relay access denied"),
    (RCPT, 554, "5.7.1 <sam@pm.example>: Recipient address rejected: Relay access denied"),
    (RCPT, 454, "4.7.1 <sam@pm.example>: Relay access denied"),
    (RCPT, 550, "5.7.1 Unable to relay"),
    (RCPT, 550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
    (RCPT, 550, "5.7.64 TenantAttribution; Relay Access Denied"),
    (RCPT, 550, "relay not permitted"),
    (RCPT, 550, "5.7.0 Relaying denied. IP name lookup failed"),
    (RCPT, 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
    (RCPT, 553, "5.7.1 <erp@desk.example>: Sender address rejected: not owned by user erp"),
    (RCPT, 550, "5.1.0 <erp@desk.example> sender rejected: invalid sender domain"),
    (RCPT, 550, "5.1.7 <erp@>: Sender address rejected: Invalid sender address"),
    (RCPT, 550, "Sender verify failed"),
    (RCPT, 504, "5.5.2 <mail>: Helo command rejected: need fully-qualified hostname"),
    (RCPT, 554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    (RCPT, 550, "JunkMail rejected - mail.desk.example is in an RBL"),
    (RCPT, 451, "4.0.0 Hourly limit of this account is reached: sending limit"),
    (RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.1]"),
    (RCPT, 450, "4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"),
    (RCPT, 450, "4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"),
    (RCPT, 550, "5.4.5 Daily user sending limit exceeded"),
    (RCPT, 550, "5.7.1 Access denied"),
    (RCPT, 550, "Administrative prohibition"),
    (RCPT, 503, "5.5.1 Error: need MAIL command"),
    (RCPT, 550, "5.3.0 Your host is configured wrongly here"),
    (DATA, 554, "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"),
    (DATA, 554, "5.2.252 SendAsDenied; erp@desk.example not allowed to send as dana@acc.example"),
    (DATA, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender"),
    (DATA, 550, "5.7.26 This mail has been blocked because the sender is unauthenticated.\n5.7.26 SPF did not pass"),
    (DATA, 550, "5.7.509 Access denied, sending domain desk.example does not pass DMARC verification"),
    (DATA, 550, "5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
    (DATA, 421, "4.7.0 unusual rate of unsolicited mail originating from your IP address, temporarily blocked"),
]

ABOUT_THE_RECIPIENT = [
    (RCPT, 550, "5.1.1 <sam@pm.example>: Recipient address rejected: User unknown in virtual mailbox table"),
    (RCPT, 550, "5.1.1 <sam@pm.example>: Recipient address rejected: User unknown in relay recipient table"),
    (RCPT, 550, "5.1.1 The email account that you tried to reach does not exist.\n5.1.1 Please try double-checking"),
    (RCPT, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient sam@pm.example not found by SMTP address lookup"),
    (
        RCPT,
        550,
        "5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT030.eop-EUR03.prod.protection.outlook.com]",
    ),
    (RCPT, 550, "5.4.310 DNS domain pm.example does not exist"),
    (RCPT, 550, "5.5.0 Requested action not taken: mailbox unavailable"),
    (RCPT, 550, "5.2.1 The email account that you tried to reach is disabled"),
    (RCPT, 552, "5.2.2 The email account that you tried to reach is over quota"),
    (RCPT, 553, "5.1.3 The recipient address <sam@> is not a valid RFC 5321 address"),
    (RCPT, 555, "5.5.2 Syntax error, cannot decode response"),
    (RCPT, 501, "Bad address"),
    (RCPT, 556, "5.1.10 Domain pm.example does not accept mail (nullMX)"),
    (RCPT, 550, "No such user here"),
    (RCPT, 550, "<relay@pm.example>: User unknown"),
    (RCPT, 550, "<sender@blacklist.example> no"),
    (RCPT, 550, "Unrouteable address"),
    (RCPT, 550, "5.7.1 <sam@pm.example>: Recipient address rejected: only our own people may write here"),
    (RCPT, 550, "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required"),
    (RCPT, 550, "5.7.17 Mailbox owner has changed"),
    (DATA, 550, "5.1.1 User unknown"),
]

ABOUT_THE_MESSAGE = [
    (MAIL, 552, "5.3.4 Message size exceeds fixed limit"),
    (MAIL, 553, "5.6.7 Non-ASCII addresses not permitted for that sender"),
    (DATA, 552, "5.3.4 Message too big for system"),
    (DATA, 554, "5.6.0 Corrupt message content"),
    (DATA, 554, "Spam"),
    (DATA, 550, "5.7.1 Our system has detected that this message is likely unsolicited mail"),
    (DATA, 550, "5.7.1 This message violates pm.example email policy"),
]

FOR_THE_MOMENT = [
    (OPENING, 421, "Too many connections"),
    (OPENING, 454, "4.7.0 TLS not available due to temporary reason"),
    (MAIL, 451, "4.3.0 Queue file write error"),
    (
        RCPT,
        450,
        "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages",
    ),
    (RCPT, 450, "4.7.1 <sam@pm.example>: Recipient address rejected: Greylisted"),
    (RCPT, 451, "4.7.1 Sender is greylisted, please come back"),
    (RCPT, 452, "4.2.2 Mailbox full"),
    (RCPT, 451, ""),
    (DATA, 452, "Full"),
    (DATA, 421, "4.3.2 shutting down"),
]


@pytest.mark.parametrize(("stage", "code", "text"), ABOUT_US)
def test_a_mail_waits_while_the_server_objects_to_us(stage: Stage, code: int, text: str) -> None:
    assert (about(stage, code, text), delivery_of(code, text, stage)) == (About.US, Delivery.BLOCKED)


@pytest.mark.parametrize(("stage", "code", "text"), ABOUT_THE_RECIPIENT)
def test_a_mail_fails_if_its_recipient_is_refused(stage: Stage, code: int, text: str) -> None:
    assert (about(stage, code, text), delivery_of(code, text, stage)) == (About.RECIPIENT, Delivery.REFUSED)


@pytest.mark.parametrize(("stage", "code", "text"), ABOUT_THE_MESSAGE)
def test_a_mail_fails_if_the_message_itself_is_refused(stage: Stage, code: int, text: str) -> None:
    assert (about(stage, code, text), delivery_of(code, text, stage)) == (About.MESSAGE, Delivery.REFUSED)


@pytest.mark.parametrize(("stage", "code", "text"), FOR_THE_MOMENT)
def test_a_mail_waits_after_a_temporary_reply(stage: Stage, code: int, text: str) -> None:
    assert delivery_of(code, text, stage) is Delivery.DEFERRED


@pytest.mark.parametrize(
    ("stage", "expected"),
    [(OPENING, Delivery.BLOCKED), (MAIL, Delivery.BLOCKED), (RCPT, Delivery.REFUSED), (DATA, Delivery.REFUSED)],
)
def test_in_doubt_a_permanent_reply_is_about_what_was_just_said(stage: Stage, expected: Delivery) -> None:
    assert delivery_of(550, "No.", stage) is expected


@pytest.mark.parametrize("code", [-1, 0, 220, 250, 354, 399, 600, 999])
def test_a_reply_that_does_not_belong_there_leaves_open_what_became_of_the_message(code: int) -> None:
    assert delivery_of(code, "?", DATA) is Delivery.UNKNOWN
    assert delivery_of(code, "?", RCPT) is Delivery.DEFERRED


def test_every_row_of_the_table_decides_some_reply() -> None:
    replies = ABOUT_US + ABOUT_THE_RECIPIENT + ABOUT_THE_MESSAGE + FOR_THE_MOMENT
    deciding = {meaning_of(code, text, stage) for stage, code, text in replies}
    assert [each for each in MEANINGS if each not in deciding] == []


def about(stage: Stage, code: int, text: str) -> About | None:
    meaning = meaning_of(code, text, stage)
    return meaning and meaning.about


words = st.lists(
    st.sampled_from(
        ["5.7.1 ", "4.1.1 ", "2.0.0", "relay ", "unknown ", "<a@b>", "\n", "\u0665.\u0667.\u0661", "5.999.9999 "]
    )
    | st.text(max_size=8)
).map("".join)


@given(
    stage=st.sampled_from(Stage),
    code=st.integers(-1, 999),
    text=words | st.binary().map(lambda raw: raw.decode(errors="surrogateescape")),
)
def test_every_reply_is_an_outcome_and_only_permanent_ones_are_final(stage: Stage, code: int, text: str) -> None:
    outcome = delivery_of(code, text, stage)
    assert outcome in {Delivery.DEFERRED, Delivery.BLOCKED, Delivery.REFUSED, Delivery.UNKNOWN}
    assert outcome is not Delivery.REFUSED or 500 <= code <= 599


def test_a_reply_that_is_one_long_word_takes_no_time() -> None:
    begun = process_time()
    delivery_of(550, "a" * 50_000, Stage.RCPT)
    assert process_time() - begun < 1
