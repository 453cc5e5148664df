"""The message about several commitments that one approver rejected for one reason."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from schemas.events import DecisionRejected
from services.notifier.composing import MAX_MESSAGE_BYTES
from services.notifier.rules.addresses import Address
from services.notifier.rules.mails.mail import message_id, thread_id
from tests.unit.notifier.event_builders import (
    COMPOSER,
    DANA,
    SUMMARY,
    lines,
    mail_of,
    mail_of_all,
    rejected,
    rejections,
)

SOMEBODY = Address("somebody", "pm.example")
DOMAIN = "desk.example"


def in_project(name: str, place: int, **summary: Any) -> DecisionRejected:
    (one,) = rejections(1, place, SUMMARY.model_copy(update={"project": name, **summary}))
    return one


def message_of(several: list[DecisionRejected]) -> EmailMessage:
    message = message_from_bytes(COMPOSER.compose(mail_of_all(several), SOMEBODY), policy=default)
    assert not message.defects
    return message


def test_its_subject_says_how_many_and_of_which_project() -> None:
    assert mail_of_all(rejections(25)).subject == "Rejected: 25 commitments (Riverside Tower)"


def test_its_subject_names_no_project_where_there_are_several() -> None:
    assert mail_of_all([in_project("A", 1), in_project("B", 2)]).subject == "Rejected: 2 commitments"


def test_it_says_the_reason_once_and_lists_the_commitments_by_number() -> None:
    assert COMPOSER.parts(mail_of_all(rejections(3)[::-1]))[0] == lines("""
        Dana Ruiz rejected 3 commitments. They will not be exported to QuickBooks.
        Reason: Line 3: cost code 03-300 is closed. Use 03-310.
        What to do: open each of them, correct it, choose "Re-send to ERP".
        SC-101 Concrete works, USD 480,250.00 https://pm.example/commitments/1
        SC-102 Concrete works, USD 480,250.00 https://pm.example/commitments/2
        SC-103 Concrete works, USD 480,250.00 https://pm.example/commitments/3
        In all: USD 1,440,750.00
        You created or sent these commitments.
        """)


def test_it_says_what_differs_and_adds_up_by_currency() -> None:
    several = [
        in_project("Riverside Tower", 1, connection="Sage"),
        in_project("Harbour\nGate", 2, currency="EUR", total="20.505"),
        in_project("Riverside Tower", 3, total="0.10"),
    ]

    text, html = COMPOSER.parts(mail_of_all(several))

    assert "They will not be exported to the ERP.\n" in text
    assert "\nSC-102 Concrete works, Harbour Gate, EUR 20.505 https://pm.example/commitments/2\n" in text
    assert "\nIn all: EUR 20.505 and USD 480,250.10\n" in text
    assert "<td>Harbour Gate</td>" in html


def test_both_parts_list_the_same() -> None:
    text, html = COMPOSER.parts(mail_of_all(rejections(25)))

    assert (text.count("https://pm.example/commitments/"), html.count("https://pm.example/commitments/")) == (25, 25)
    assert html.count('scope="row"') == 25


def test_the_order_in_which_they_are_read_makes_no_difference() -> None:
    first, *others = rejections(25)

    messages = {COMPOSER.compose(mail_of_all([first, *rest]), SOMEBODY) for rest in (others, others[::-1])}

    assert len(messages) == 1


def test_a_reply_goes_to_the_approver_and_its_id_is_that_of_the_first_mail() -> None:
    message = message_of(rejections(25))

    assert message["Reply-To"].addresses[0].addr_spec == DANA.email
    assert message["Message-ID"] == message_id(mail_of(rejections(1)[0]), DOMAIN)


def test_it_is_a_thread_of_its_own() -> None:
    several = rejections(3)
    own = message_of(several)["References"]

    assert own not in {thread_id(mail_of(each), DOMAIN) for each in several}
    assert own == message_of(several[:2])["References"]
    assert own != message_of(several[1:])["References"]


def test_further_lines_of_the_reason_and_titles_cannot_imitate_our_text() -> None:
    several = rejections(
        2, summary=SUMMARY.model_copy(update={"title": "Steel\nIn all: USD 1.00"}), reason="No.\nWhat to do: pay"
    )
    text = COMPOSER.parts(mail_of_all(several))[0]

    assert "Reason: No.\n  What to do: pay\n" in text
    assert "SC-101 Steel In all: USD 1.00, USD 480,250.00" in text


@pytest.mark.parametrize("length", [60, 1900])
def test_a_hundred_are_listed_as_far_as_they_fit_and_the_rest_is_counted(length: int) -> None:
    several = [
        rejected(
            SUMMARY.model_copy(update={"number": f"SC-{n:03}", "url": f"https://pm.example/{n}/{'x' * length}"}),
            commitment_id=f"f-{n}",
        )
        for n in range(100)
    ]
    message = COMPOSER.compose(mail_of_all(several), SOMEBODY)
    text = str(message_from_bytes(message, policy=default).get_body(("plain",)).get_content())
    listed = text.count("\nSC-")

    assert len(message) <= MAX_MESSAGE_BYTES
    assert "rejected 100 commitments" in text
    assert "In all: USD 48,025,000.00" in text
    if length == 60:
        assert listed == 100
    else:
        assert 0 < listed < 100
        assert f"and {100 - listed} more, which the project's tool shows as rejected." in text
