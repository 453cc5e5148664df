"""Reads the settings of every ERP connection from the file that ERP_CONNECTIONS names, and says what is wrong there."""

import re
import tomllib
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.message import wording
from schemas.routing import shadowed
from services.exporter.connectors.protocol import ConnectionSettings, ConnectorType
from services.pipeline.errors import SettingsError

ENTRY_POINT_GROUP = "countersign.connectors"
_NOT_CALLED = "default_factory_not_called"
"""The validator's word for a default that waits for another member, which is reported itself."""
_EXAMPLES = {
    "companies": "company-204",
    "currencies": "EUR",
    "formerly": "old-books",
    "kinds": "purchase_order",
    "projects": "project-310",
}
_HEADER = re.compile(r"^\s*\[\[\s*connection\s*\]\]", re.MULTILINE)


def connector_types() -> dict[str, ConnectorType]:
    """Every installed connector's class, by the kind that a connection names it by."""
    return {each.name: cast("ConnectorType", each.load()) for each in entry_points(group=ENTRY_POINT_GROUP)}


def read_settings(path: Path) -> tuple[ConnectionSettings, ...]:
    """Return the settings of all connections, in the file's order; SettingsError names the place and what to do."""
    text = _text(path)
    tables, lines = _tables(path, text), _lines_of_headers(text)
    settings = tuple(_settings(_place(path, number, lines, table), table) for number, table in enumerate(tables))
    _check_names(path, settings)
    for hidden in shadowed(settings):
        raise SettingsError(
            f"{path}: nothing of the company {hidden.company} can reach the connection {hidden.name}, "
            f"since {hidden.by} stands before it and takes all of that. Put {hidden.name} before it and give it "
            "projects, currencies or kinds, or take the company out of one of the two."
        )
    return settings


def place_of(path: Path, settings: ConnectionSettings) -> str:
    """How a message names the place of a connection that could be read."""
    return f"{path}, connection {settings.name}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file of ERP connections {path} cannot be read: {error}") from error


def _tables(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    tables = content.get("connection", [])
    if set(content) - {"connection"} or not isinstance(tables, list):
        raise SettingsError(f"{path} may contain only [[connection]] tables.")
    return tables


def _lines_of_headers(text: str) -> list[int]:
    """The line of each `[[connection]]`, as far as they are written so."""
    return [text.count("\n", 0, found.end()) + 1 for found in _HEADER.finditer(text)]


def _place(path: Path, number: int, lines: Sequence[int], table: Any) -> str:
    """How a message names the place of a connection that may be wrong."""
    line = f", line {lines[number]}" if number < len(lines) else ""
    name = table.get("name", number + 1) if isinstance(table, dict) else number + 1
    return f"{path}{line}, connection {name}"


def _settings(place: str, table: dict[str, Any]) -> ConnectionSettings:
    if not isinstance(table, dict):
        raise SettingsError(f"{place}: must be a table [[connection]].")
    settings_type = _connector_type(place, table.get("kind")).settings_type
    try:
        return settings_type.model_validate(table)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        problems = "; ".join(_in_words(each, settings_type) for each in errors if each["type"] != _NOT_CALLED)
        raise SettingsError(f"{place}: {problems}") from None


def _connector_type(place: str, kind: object) -> ConnectorType:
    installed = connector_types()
    if not isinstance(kind, str) or kind not in installed:
        raise SettingsError(f"{place}: kind is {kind!r}; known kinds are {', '.join(sorted(installed))}.")
    return installed[kind]


def _in_words(problem: ErrorDetails, settings_type: type[BaseModel]) -> str:
    """What is wrong with which member; a problem of several names them itself."""
    member = ".".join(map(str, problem["loc"]))
    words = _asked_for(member, problem, settings_type)
    return f"{member}: {words}" if member else words


def _asked_for(member: str, problem: ErrorDetails, settings_type: type[BaseModel]) -> str:
    match problem["type"]:
        case "extra_forbidden":
            return f"is not known{_suggestion(problem, settings_type.model_fields)}"
        case "missing":
            return "is missing; add it"
        case "tuple_type":
            return "must be a list" + (f', such as ["{_EXAMPLES[member]}"]' if member in _EXAMPLES else "")
        case _:
            return wording(problem)


def _suggestion(problem: ErrorDetails, members: Collection[str]) -> str:
    """Which member was probably meant; a secret never belongs into the file."""
    name = str(problem["loc"][-1])
    if name in ("token", "password", "secret"):
        return "; put the secret into a variable or a file, and name that as token_env or token_file"
    close = get_close_matches(name, members, n=1) if len(problem["loc"]) == 1 else ()
    return f"; did you mean {close[0]}?" if close else "; remove it"


def _check_names(path: Path, settings: Sequence[ConnectionSettings]) -> None:
    """SettingsError if a name, also a former one, could mean two connections."""
    current, former = [each.name for each in settings], [name for each in settings for name in each.formerly]
    for name in current:
        if current.count(name) > 1:
            raise SettingsError(f"{path} has the name {name} more than once; give one of the connections another name.")
    for name in former:
        if former.count(name) > 1 or name in current:
            raise SettingsError(
                f"{path} has the former name {name} more than once, or as a name; what was exported "
                "under it could be in either ERP. Leave it only where its documents are."
            )
