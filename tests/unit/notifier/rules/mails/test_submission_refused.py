"""The mail about a submission that could not be taken."""

from services.notifier.composing import Composer
from tests.unit.notifier.event_builders import ANA, mail_of, recipients_of, submission_refused

COMPOSER = Composer("Countersign <erp@desk.example>", "https://desk.example")


def test_creator_and_sender_get_it_as_far_as_they_are_known() -> None:
    assert recipients_of(submission_refused()) == ["Ana Gil", "Sam Lee"]
    assert recipients_of(submission_refused(sent_by=ANA)) == ["Ana Gil"]
    assert recipients_of(submission_refused(creator=None, sent_by=None)) == []


def test_it_says_what_is_wrong_and_what_to_do() -> None:
    mail = mail_of(submission_refused())
    text, html = COMPOSER.parts(mail)
    assert mail.subject == "Not received by accounting: SC-014 Concrete works (Riverside Tower)"
    for part in (text, html):
        assert "Nobody there can see revision 2, and nothing was exported." in part
        assert "2400 lines; at most 2000 are taken." in part
        assert "Make it smaller, for example as two commitments, and send it to accounting again." in part
        assert "https://pm.example/commitments/8841" in part


def test_it_does_without_what_could_not_be_read() -> None:
    unread = dict.fromkeys(("number", "title", "project", "url", "revision", "creator"))
    mail = mail_of(submission_refused(**unread))
    text, html = COMPOSER.parts(mail)
    assert mail.subject == "Not received by accounting: 8841"
    assert "Nobody there can see it, and nothing was exported." in text
    assert "None" not in text + html
