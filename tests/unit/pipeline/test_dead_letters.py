"""What a dead letter says about the message that it holds."""

from sqlalchemy.exc import DBAPIError

from schemas.envelope import message_bytes
from schemas.limits import MAX_SUBMISSION_BYTES
from schemas.message import UnreadableError
from services.pipeline.dead_letters import HANDLER_FAILED, KEPT_BYTES, dead_letter_of
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


def test_of_a_message_that_is_too_large_only_the_beginning_is_kept() -> None:
    huge = record(3, value=b"x" * (MAX_SUBMISSION_BYTES + 1), headers=[("note", b"y" * 5_000_000)] * 3)
    letter = dead_letter_of(huge, UnreadableError("too_large", "16,048,577 bytes"))
    assert letter.record.value == b"x" * KEPT_BYTES
    assert message_bytes(letter.record.key, letter.record.value, letter.record.headers) < 2 * KEPT_BYTES
    assert letter.why == "16,048,577 bytes; only the beginning is kept"


def test_of_a_long_key_without_a_value_only_the_beginning_is_kept() -> None:
    huge = record(3, key=b"k" * 3_000_000, value=b"")
    letter = dead_letter_of(huge, UnreadableError("too_large", "3,000,000 bytes"))
    assert letter.record.key == b"k" * KEPT_BYTES
    assert letter.record.value == b""


def test_a_submission_with_too_many_lines_is_kept_whole() -> None:
    whole = record(3, value=b"[]" * 200_000)
    letter = dead_letter_of(whole, UnreadableError("too_large", "10000 lines; at most 2000 are taken"))
    assert letter.record == whole
