"""No client of librdkafka writes to the terminal by itself: it has our logger, or logs nothing."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules

CLIENTS = {"AdminClient", "Consumer", "Producer"}


def loud_clients(text: str) -> list[int]:
    """Return the lines on which a client is made that would write to the terminal."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in CLIENTS]
    return [call.lineno for call in made if not _is_quiet(call)]


def _is_quiet(call: ast.Call) -> bool:
    return any(each.arg == "logger" for each in call.keywords) or "'log_level': 0" in ast.unparse(call)


def test_no_client_writes_to_the_terminal() -> None:
    found = {path: loud_clients(path.read_text(encoding="utf-8")) for path in modules(ROOT)}
    assert {str(path.relative_to(ROOT)): lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("call", "is_loud"),
    [
        ("AdminClient(config)", True),
        ("AdminClient(config | {'log_level': 3})", True),
        ("AdminClient(config | {'log_level': 0})", False),
        ("Producer(config, logger=LOG)", False),
    ],
)
def test_a_client_that_would_write_there_is_detected(tmp_path: Path, call: str, is_loud: bool) -> None:  # noqa: FBT001
    path = tmp_path / "client.py"
    path.write_text(f"client = {call}\n")
    assert bool(loud_clients(path.read_text())) == is_loud
