"""Finds every log event in the source code: its name, levels, services and fields."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LEVELS = {
    "debug": ("debug",),
    "info": ("info",),
    "warning": ("warning",),
    "error": ("error",),
    "exception": ("error",),
    "critical": ("critical",),
}
FAILURE_LOG = {"expected": ("warning",), "defect": ("error",)}
_ADDED_BY = {
    "exception": ("exception",),
    "expected": ("cause", "repeats"),
    "defect": ("cause", "repeats", "exception"),
}
_MAY_LOG = re.compile(r"\blog\.|\.(?:expected|defect)\b|def described\b")
"""What every module has that matters here; most have not, and parsing takes the time."""

_DESCRIBING = "described"
"""The method by which work tells what a line says about a result; a shared line may have the fields of any work."""


@dataclass(frozen=True, slots=True)
class Found:
    """One call that logs: `more` is whether it has fields whose names only the running program knows."""

    name: str
    levels: tuple[str, ...]
    fields: tuple[str, ...]
    more: bool = False
    path: Path = Path()
    line: int = 0

    @property
    def place(self) -> str:
        """Where it is, for an error message."""
        return f"{self.path}:{self.line}"

    @property
    def service(self) -> str:
        """The service whose code it is; all of them for what they share."""
        room = self.path.parts[1]
        return "all" if room == "pipeline" else room


class OddCallError(Exception):
    """A call that logs something whose name is not written there."""


def found_in(root: Path) -> list[Found]:
    """Return all calls below `root`/services that log; OddCallError for one whose event has no constant name."""
    texts = {path.relative_to(root): path.read_text() for path in sorted((root / "services").rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items() if _MAY_LOG.search(text)}
    described = {name for tree in trees.values() for name in _described_fields(tree)}
    return [found for path, tree in trees.items() for found in _Module(path, tree, described).found()]


class _Module:
    def __init__(self, path: Path, tree: ast.Module, described: Iterable[str]) -> None:
        self._path = path
        self._tree = tree
        self._described = tuple(_described_fields(tree)) or tuple(sorted(described))
        self._dicts = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._aliases = dict(_aliases(tree))

    def found(self) -> Iterator[Found]:
        for call in ast.walk(self._tree):
            if isinstance(call, ast.Call) and (methods := self._methods(call.func)):
                yield self._found(call, methods)

    def _methods(self, called: ast.expr) -> tuple[str, ...]:
        """The methods of a logger or a FailureLog that `called` may be; none if it is something else."""
        match called:
            case ast.Attribute(ast.Name("log"), method) if method in LEVELS:
                return (method,)
            case ast.Attribute(_, method) if method in FAILURE_LOG:
                return (method,)
            case ast.Name(name):
                return self._aliases.get(name, ())
        return ()

    def _found(self, call: ast.Call, methods: tuple[str, ...]) -> Found:
        match call.args:
            case [ast.Constant(str(name)), *_]:
                pass
            case _:
                raise OddCallError(f"{self._path}:{call.lineno}: write the event's name there, as a constant.")
        levels = tuple(level for method in methods for level in (LEVELS | FAILURE_LOG)[method])
        fields = {each: None for method in methods for each in _ADDED_BY.get(method, ())}
        more = False
        for keyword in call.keywords:
            named = self._names(keyword)
            more |= named is None
            fields |= dict.fromkeys(named or ())
        shown = dict.fromkeys("exception" if each == "exc_info" else each for each in fields)
        return Found(name, levels, tuple(sorted(shown)), more, self._path, call.lineno)

    def _names(self, keyword: ast.keyword) -> tuple[str, ...] | None:
        return (keyword.arg,) if keyword.arg else self._spread(keyword.value)

    def _spread(self, value: ast.expr) -> tuple[str, ...] | None:
        """The names in what is spread with `**`; None if they are not written in the same module."""
        match value:
            case ast.Name(name) if name in self._dicts:
                return self._spread(self._dicts[name])
            case ast.Dict(keys):
                return tuple(str(each.value) for each in keys if isinstance(each, ast.Constant))
            case ast.IfExp(body=one, orelse=other):
                return (*(self._spread(one) or ()), *(self._spread(other) or ()))
            case ast.Call(ast.Attribute(_, method)) if method == _DESCRIBING:
                return self._described
        return None


def _aliases(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names such as `report` in `report = failures.expected if … else failures.defect`."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], ast.IfExp(_, ast.Attribute(_, one), ast.Attribute(_, other))):
                if {one, other} <= FAILURE_LOG.keys():
                    yield name, (one, other)


def _described_fields(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == _DESCRIBING and _is_method(function):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
                    yield from (str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))


def _is_method(function: ast.FunctionDef) -> bool:
    return bool(function.args.args) and function.args.args[0].arg == "self"


def by_name(found: Iterable[Found]) -> Mapping[str, list[Found]]:
    """Return the calls of each event, in the order of their names."""
    grouped: dict[str, list[Found]] = {}
    for each in sorted(found, key=lambda each: each.name):
        grouped.setdefault(each.name, []).append(each)
    return grouped
