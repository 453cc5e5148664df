"""Whatever an ERP answers, and however often a worker dies: an order writes a bounded number of times, and ends."""

from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import FailureClass
from services.exporter.connectors.types import FindAnswer, Refused, Transient, Unknown, UnreadableDocument
from services.exporter.rules.export import CommitmentExports, Export, ExportState
from services.exporter.rules.marker import marker_of
from services.exporter.rules.outcome import AttemptOutcome
from services.exporter.rules.probe import Create, Update, after_probe, unless_tried_enough
from services.exporter.rules.settling import begin_attempt, settle_attempt
from tests.unit.exporter.builders import LEASE, NOW, POLICY, accepted_event, exports_after, found_document

ANSWERED = Unknown("On hold.", Refused(FailureClass.FIX_SETUP, "On hold."), is_reached=True)
LOST = Unknown("No answer.")
DIES = None

OLDER = (found_document(marker_of("c-1", 1, "0" * 64)),)
searches = st.sampled_from(
    [(), OLDER, (*OLDER, UnreadableDocument()), Transient("Busy."), Transient("Busy.", None, 90)]
)
writes = st.sampled_from([ANSWERED, LOST, LOST, Transient("Busy."), DIES])


def attempt(
    exports: CommitmentExports, found: FindAnswer, written: AttemptOutcome | None, now: datetime
) -> tuple[CommitmentExports, bool]:
    """The exports after one attempt, and whether it wrote; a worker that dies leaves its lease behind."""
    token = uuid4()
    exports = begin_attempt(exports, token, now + LEASE, POLICY, now)
    assert exports.current is not None
    step = unless_tried_enough(exports.current, after_probe(exports.current, None, found, now), POLICY.max_attempts)
    is_written = isinstance(step, (Create, Update))
    if is_written and written is None:
        return exports, True
    outcome = written if isinstance(step, (Create, Update)) else step
    assert outcome is not None
    decided = settle_attempt(exports, token, outcome, POLICY, now)
    assert decided is not None
    return decided.state, is_written


def only(exports: CommitmentExports) -> Export:
    (export,) = exports.by_revision.values()
    return export


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(searches, writes), min_size=1, max_size=40))
def test_an_order_writes_at_most_as_often_as_its_connection_allows(answers: list[tuple]) -> None:  # type: ignore[type-arg]
    exports, now, written, is_answered = exports_after(accepted_event(2)), NOW, 0, False
    for found, answer in answers:
        if exports.due_at is None:
            break
        now = max(now, exports.due_at)
        exports, is_written = attempt(exports, found, answer, now)
        written += is_written
        assert not (is_written and is_answered)
        is_answered = is_answered or (is_written and answer is ANSWERED)
    assert written <= POLICY.max_attempts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([(), OLDER]), writes), min_size=1, max_size=3))
def test_an_order_ends_once_the_erp_shows_what_it_has(answers: list[tuple]) -> None:  # type: ignore[type-arg]
    exports, now = exports_after(accepted_event(2)), NOW
    for number in range(100):
        if exports.due_at is None:
            break
        now = max(now, exports.due_at)
        exports, _ = attempt(exports, *answers[number % len(answers)], now)

    assert only(exports).state is ExportState.FAILED
    assert now - NOW < timedelta(hours=1)
