"""The mail with a question."""

from services.notifier.rules.mails.mail import message_id, thread_id
from tests.unit.notifier.event_builders import lines, mail_of, question, recipients_of, rejected, text_of


def test_it_goes_to_the_sender_alone() -> None:
    assert recipients_of(question()) == ["Sam Lee"]


def test_its_subject_names_commitment_and_project() -> None:
    assert mail_of(question()).subject == "Question: SC-014 Concrete works (Riverside Tower)"


def test_it_asks_and_says_how_to_answer() -> None:
    assert text_of(question()) == lines("""
        Dana Ruiz asks about SC-014. It still waits for an accounting approver.
        Question: Does line 3 include the slabs of levels 8 to 12?
        Answer here, you need not sign in: https://desk.example/q/token.signature
        If something has to change instead: retrieve it, correct it, choose "Re-send to ERP", and answer in its note.
        https://pm.example/commitments/8841
        SC-014 Concrete works, revision 2, USD 480,250.00
        You sent this commitment. If you reply to this mail, only Dana Ruiz reads it.
        """)


def test_it_is_in_the_thread_of_its_commitment_and_each_question_is_a_mail_of_its_own() -> None:
    first, second = mail_of(question()), mail_of(question(number=2))

    assert thread_id(first, "desk.example") == thread_id(mail_of(rejected()), "desk.example")
    assert message_id(first, "desk.example") == message_id(mail_of(question()), "desk.example")
    assert message_id(first, "desk.example") != message_id(second, "desk.example")
