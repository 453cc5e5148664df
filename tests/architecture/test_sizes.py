"""Modules have at most 300 lines and functions at most 40, so that every file can be read in one sitting."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_large(root: Path) -> list[str]:
    """Return every module and function that exceeds its limit, with its size."""
    return [finding for path in modules(root) for finding in _too_large(path, path.relative_to(root))]


def _too_large(path: Path, name: Path) -> list[str]:
    text = path.read_text()
    lines = len(text.splitlines())
    functions = [(node.name, _lines_of(node)) for node in ast.walk(ast.parse(text)) if isinstance(node, Function)]
    return [f"{name}: {lines} lines"] * (lines > MAX_MODULE_LINES) + [
        f"{name}: {function} has {length} lines" for function, length in functions if length > MAX_FUNCTION_LINES
    ]


def _lines_of(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def copy_of_one_module(folder: Path) -> Path:
    path = folder / "schemas" / "limits.py"
    path.parent.mkdir()
    path.write_text((ROOT / "schemas" / "limits.py").read_text())
    return path


def test_modules_and_functions_stay_small() -> None:
    assert too_large(ROOT) == []


@pytest.mark.parametrize(
    ("addition", "finding"),
    [
        ("#\n" * MAX_MODULE_LINES, "schemas/limits.py: {} lines"),
        ("def long():\n" + "    call()\n" * MAX_FUNCTION_LINES, "schemas/limits.py: long has 41 lines"),
        ("async def long():\n" + "    call()\n" * MAX_FUNCTION_LINES, "schemas/limits.py: long has 41 lines"),
        (
            "class A:\n    def long():\n" + "        call()\n" * MAX_FUNCTION_LINES,
            "schemas/limits.py: long has 41 lines",
        ),
    ],
)
def test_what_exceeds_a_limit_is_detected(tmp_path: Path, addition: str, finding: str) -> None:
    path = copy_of_one_module(tmp_path)
    path.write_text(path.read_text() + addition)

    assert finding.format(len(path.read_text().splitlines())) in too_large(tmp_path)


def test_what_just_reaches_the_limits_passes(tmp_path: Path) -> None:
    path = copy_of_one_module(tmp_path)
    path.write_text("def long():\n" + "    call()\n" * (MAX_FUNCTION_LINES - 1) + "#\n" * (MAX_MODULE_LINES - 40))

    assert not [finding for finding in too_large(tmp_path) if finding.startswith("schemas/limits.py")]
