"""What moving an offset means, before anything is moved."""

import pytest

from services.pipeline.broker.brokers import Span
from services.pipeline.errors import CountersignError
from services.pipeline.moving_offsets import Target, is_needed, plan_move
from services.pipeline.records import Partition

PLACE = Partition("commitment.sent", 7)
SPAN = Span(100, 200)


@pytest.mark.parametrize(
    ("saved", "to", "new", "again", "skipped", "lost"),
    [
        (150, "beginning", 100, 50, 0, 0),
        (150, "end", 200, 0, 50, 0),
        (150, 140, 140, 10, 0, 0),
        (150, 160, 160, 0, 10, 0),
        (40, "beginning", 100, 0, 0, 60),
        (40, "end", 200, 0, 100, 60),
        (500, "beginning", 100, 0, 0, 0),
        (500, "end", 200, 0, 100, 0),
        (None, "end", 200, 0, 100, 0),
    ],
)
def test_a_move_counts_what_is_read_again_skipped_and_lost(
    saved: int | None, to: Target, new: int, again: int, skipped: int, lost: int
) -> None:
    move = plan_move(PLACE, saved, SPAN, to)
    assert (move.new, move.again, move.skipped, move.lost) == (new, again, skipped, lost)
    assert move.unread == 200 - new
    assert is_needed(move)


@pytest.mark.parametrize(("saved", "to"), [(None, "beginning"), (100, "beginning"), (200, "end"), (150, 150)])
def test_what_changes_nothing_is_not_needed(saved: int | None, to: Target) -> None:
    assert not is_needed(plan_move(PLACE, saved, SPAN, to))


@pytest.mark.parametrize(
    ("span", "to", "words"),
    [
        (None, "end", "does not exist, or has no leader"),
        (SPAN, 201, "ends at 200, so nothing can be read at 201"),
        (SPAN, 99, "keeps nothing before 100; use --to beginning"),
        (SPAN, "middle", "neither beginning, end nor an offset"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(span: Span | None, to: Target, words: str) -> None:
    with pytest.raises(CountersignError, match=words):
        plan_move(PLACE, 150, span, to)
