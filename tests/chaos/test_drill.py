"""The restore drill that anybody can run passes, and notices what it is there to notice."""

from collections.abc import Callable
from pathlib import Path

from sandbox.drill import rehearse
from sandbox.drill.restoring import explained, findings

SHORT, LONG = 40, 1_000
"""Commitments before the backup, and as many after it."""
PER_SECOND = 50


async def test_a_database_that_was_lost_is_restored_and_catches_up(
    tmp_path: Path, size: int, report: Callable[[str], None]
) -> None:
    steps: list[str] = []

    rehearsed = await rehearse(tmp_path, size, PER_SECOND, steps.append)

    report("restore drill: " + "; ".join(f"{name}: {figure}" for name, figure in explained(rehearsed)))
    assert rehearsed.wrong == []
    assert any("The database is lost" in step for step in steps)


def test_what_goes_wrong_is_named() -> None:
    assert findings(["a", "b"], {"a": 1, "b": 1}, {"GREEN": 2, "YELLOW": 2}, [], []) == []
    assert findings(["a", "b"], {"a": 2}, {"GREEN": 1, "BLUE": 1, "YELLOW": 2}, ["b"], ["a"]) == [
        "1 commitments are not in the ERP: b",
        "1 commitments have two documents: a",
        "1 commitments went back to an earlier status: b",
        "1 commitments have a history whose chain of decisions is broken: a",
        "The ribbons are {'GREEN': 1, 'BLUE': 1, 'YELLOW': 2} instead of {'GREEN': 2, 'YELLOW': 2}",
    ]
