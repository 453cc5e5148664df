"""A sample belongs to the phase of the innermost function that the list of phases knows."""

import sys
from datetime import UTC, datetime
from typing import Any

from benchmarks.sampled_service import OTHER, PHASES, phase_of
from schemas.envelope import Event, new_event
from schemas.events import CommitmentSent, EventData
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.fold import Decided, On
from tests.architecture.tree import ROOT
from tests.folding import fold

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SENT = new_event(CommitmentSent(**submitted(CONCRETE_1, 1)), source="test", time=NOW)


def test_code_that_no_phase_knows_is_everything_else() -> None:
    assert phase_of(sys._getframe()) == OTHER


def test_what_the_fold_calls_belongs_to_the_fold() -> None:
    seen: list[str] = []

    def handle(state: str, _event: Event[CommitmentSent], _now: datetime) -> Decided[str, Any]:
        seen.append(phase_of(sys._getframe()))
        return Decided(state)

    events: list[Event[EventData]] = [SENT]
    fold([On(CommitmentSent, handle)], {SENT.subject: ""}, events, NOW)

    assert seen == ["fold: the rules"]


def test_every_place_of_ours_in_the_list_exists() -> None:
    ours = [part for part, _, _ in PHASES if part.startswith(("/schemas/", "/services/"))]

    assert [part for part in ours if not (ROOT / part[1:]).exists()] == []
