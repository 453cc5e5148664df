"""The mail with the answer to an approver's question."""

import pytest

from services.notifier.rules.mails.mail import message_id, thread_id
from tests.unit.notifier.event_builders import answered, lines, mail_of, question, recipients_of, text_of


def test_it_goes_to_the_approver_who_asked() -> None:
    assert recipients_of(answered()) == ["Dana Ruiz"]


@pytest.mark.parametrize("missing", ["asked_by", "question", "summary"])
def test_an_event_of_an_older_release_causes_no_mail(missing: str) -> None:
    assert recipients_of(answered(**{missing: None})) == []


def test_its_subject_names_commitment_and_project() -> None:
    assert mail_of(answered()).subject == "Answered: SC-014 Concrete works (Riverside Tower)"


def test_it_says_who_answered_what_was_asked_and_where_to_decide() -> None:
    assert text_of(answered(answer="Yes.\nAll of them.")) == lines("""
        Sam Lee answered about SC-014. It still waits for an accounting approver.
        You asked: Does line 3 include the slabs of levels 8 to 12?
        Answer: Yes.
          All of them.
        SC-014 Concrete works, revision 2, USD 480,250.00
        https://desk.example/commitments/8841
        You asked about this commitment. If you reply to this mail, only Sam Lee reads it.
        """)


def test_it_is_in_the_thread_of_its_commitment_and_each_answer_is_a_mail_of_its_own() -> None:
    first, second = mail_of(answered()), mail_of(answered(number=2))

    assert thread_id(first, "desk.example") == thread_id(mail_of(question()), "desk.example")
    assert message_id(first, "desk.example") == message_id(mail_of(answered()), "desk.example")
    assert message_id(first, "desk.example") != message_id(second, "desk.example")
