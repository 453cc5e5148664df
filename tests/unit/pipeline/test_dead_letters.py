"""What a dead letter says of the event that it holds."""

from services.pipeline.dead_letters import HANDLER_FAILED, refused
from services.pipeline.fold import RefusedError
from tests.unit.pipeline.given import record


def test_a_refusal_keeps_its_reason_and_its_sentence() -> None:
    letter = refused(record(3), RefusedError("other_company", "commitment c-1 belongs to another company"))
    assert (letter.reason, letter.why) == ("other_company", "commitment c-1 belongs to another company")


def test_a_defect_of_ours_is_told_by_its_kind() -> None:
    letter = refused(record(3), KeyError("revision"))
    assert (letter.reason, letter.why) == (HANDLER_FAILED, "KeyError: 'revision'")
