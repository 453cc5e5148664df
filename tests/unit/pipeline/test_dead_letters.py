"""What a dead letter says about the message that it holds."""

from sqlalchemy.exc import DBAPIError

from schemas.envelope import UnreadableError
from services.pipeline.dead_letters import HANDLER_FAILED, dead_letter_of
from services.pipeline.fold import RefusedError
from tests.unit.pipeline.samples import record


class CheckViolationError(Exception):
    sqlstate = "23514"


def test_a_refusal_keeps_its_reason_and_its_sentence() -> None:
    letter = dead_letter_of(record(3), RefusedError("other_company", "commitment c-1 belongs to another company"))
    assert (letter.reason, letter.why) == ("other_company", "commitment c-1 belongs to another company")


def test_an_unreadable_message_keeps_its_reason_and_its_sentence() -> None:
    letter = dead_letter_of(record(3), UnreadableError("undecodable", "the value is not JSON"))
    assert (letter.reason, letter.why) == ("undecodable", "the value is not JSON")


def test_an_event_that_the_database_refuses_has_the_first_line_of_its_answer() -> None:
    error = DBAPIError("insert", None, CheckViolationError("violates item_check\nDETAIL: the row"))
    letter = dead_letter_of(record(3), error)
    assert (letter.reason, letter.why) == ("schema", "The database refuses it: violates item_check")


def test_a_defect_is_named_by_its_exception() -> None:
    letter = dead_letter_of(record(3), KeyError("revision"))
    assert (letter.reason, letter.why) == (HANDLER_FAILED, "KeyError: 'revision'")
