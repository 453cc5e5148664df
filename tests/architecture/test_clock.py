"""Pure modules get the time as an argument and never read a clock."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, copy_of_the_product, pure_modules

CLOCKS = {"datetime", "date"}
READINGS = {"now", "today", "utcnow"}


def clock_readings(path: Path) -> list[str]:
    """Return where the module reads a clock, as name:line; the import contracts forbid importing `time`."""
    return [f"{path.name}:{node.lineno}" for node in ast.walk(ast.parse(path.read_text())) if _reads_a_clock(node)]


def _reads_a_clock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr not in READINGS:
        return False
    clock = node.value
    name = clock.attr if isinstance(clock, ast.Attribute) else getattr(clock, "id", "")
    return name in CLOCKS


def test_no_pure_module_reads_a_clock() -> None:
    assert [reading for path in pure_modules(ROOT) for reading in clock_readings(path)] == []


def test_every_service_has_pure_modules() -> None:
    found = {path.relative_to(ROOT).parts[:3] for path in pure_modules(ROOT)}

    assert found >= {("services", service, "rules") for service in ("approval", "exporter", "notifier", "digest")}


@pytest.mark.parametrize(
    "reading", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "(clock := datetime.now)"]
)
def test_reading_a_clock_in_a_pure_module_is_detected(tmp_path: Path, reading: str) -> None:
    path = copy_of_the_product(tmp_path) / "services" / "approval" / "rules" / "status.py"
    lines = path.read_text().count("\n")
    path.write_text(f"{path.read_text()}READ = {reading}\n")

    found = [place for module in pure_modules(tmp_path) for place in clock_readings(module)]

    assert found == [f"status.py:{lines + 1}"]
