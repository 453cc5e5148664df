"""The history has a text for every event that approval handles."""

import pytest

from schemas.envelope import Event
from schemas.events import DirectoryPersonRemoved, EventData, MailSettled, QuestionAnswered, QuestionAsked
from schemas.examples import EXAMPLES
from services.approval.handlers import HANDLERS
from services.approval.rules import history
from services.approval.rules.commitment import CommitmentFacts
from tests.unit.approval.rules.event_builders import ID, NOW

HANDLED = {on.data_type for on in HANDLERS}
EVENTS = [example.event for example in EXAMPLES if type(example.event.data) in HANDLED]


def test_there_is_an_example_of_every_handled_event() -> None:
    assert {type(event.data) for event in EVENTS} == HANDLED


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.data.topic} {event.id}")
def test_every_handled_event_has_a_text(event: Event[EventData]) -> None:
    entry = history.entry(CommitmentFacts(ID, event.data.company_id), event)

    assert entry.text.endswith((".", "!", "?"))
    assert event.data.topic not in entry.text


def test_a_mail_that_failed_says_why() -> None:
    texts = [history.entry(CommitmentFacts(ID), event).text for event in EVENTS if isinstance(event.data, MailSettled)]

    assert "Mail to Sam Lee about the failed export: failed (550 5.1.1 No such mailbox)." in texts


def test_a_question_is_said_by_who_asked_and_an_answer_by_who_answered() -> None:
    said = [event for event in EVENTS if isinstance(event.data, QuestionAsked | QuestionAnswered)]
    entries = [history.entry(CommitmentFacts(ID), event) for event in said]

    assert [each.actor and each.actor.name for each in entries] == ["Dana Ruiz", "Sam Lee"]


def test_an_event_without_a_text_is_an_error() -> None:
    unknown = Event(EVENTS[0].id, "test", ID, NOW, DirectoryPersonRemoved(person_id="person-5"))

    with pytest.raises(TypeError, match="no text for DirectoryPersonRemoved"):
        history.entry(CommitmentFacts(ID), unknown)
