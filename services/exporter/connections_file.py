"""Reads the settings of every ERP connection from the file that ERP_CONNECTIONS names, and says what is wrong there."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.message import wording
from schemas.routing import shadowed
from services.exporter.connections_lines import Member, Section, sections
from services.exporter.connectors.protocol import ConnectionSettings, ConnectorType
from services.exporter.connectors.pull import PullSettings
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

_NARROWING = ("projects", "currencies", "kinds")
"""The members that let a connection take only some commitments."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a connection stands in the file; `section` is None where that cannot be told."""

    path: Path
    name: Any
    section: Section | None

    def error(self, problems: Sequence[tuple[Member, str]]) -> SettingsError:
        """The error that tells the problems with these members, in the order of their lines, each with its line."""
        found = sorted(((self._line(member), words) for member, words in problems), key=lambda each: each[0])
        line = found[0][0]
        texts = [words if at == line else f"line {at}, {words}" for at, words in found]
        where = f", line {line}" if line else ""
        return SettingsError(f"{self.path}{where}, connection {self.name}: {'; '.join(texts)}")

    def _line(self, member: Member) -> int:
        return self.section.line_of(member) if self.section else 0


def connector_types() -> dict[str, ConnectorType]:
    """Every installed connector's class, by the kind that a connection names it by."""
    return {each.name: cast("ConnectorType", each.load()) for each in entry_points(group=ENTRY_POINT_GROUP)}


def read_settings(path: Path) -> tuple[ConnectionSettings, ...]:
    """Return the settings of all connections, in the file's order; SettingsError names the place and what to do."""
    text = _text(path)
    tables = _tables(path, text)
    places = [_Place(path, _name(table, number), None) for number, table in enumerate(tables, start=1)]
    for number, section in enumerate(sections(text, len(tables))):
        places[number] = replace(places[number], section=section)
    settings = _all_settings(places, tables)
    _check_names(places, settings)
    _check_users(places, settings)
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


def _beside(path: Path, settings: ConnectionSettings) -> ConnectionSettings:
    """Return `settings` whose relative paths begin at the folder of the file, wherever the process was started."""
    named = {name: value for name, value in settings if isinstance(value, Path) and not value.is_absolute()}
    return settings.model_copy(update={name: path.parent / value for name, value in named.items()})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        remedy = "Begin from ops/erp/connections.example.toml; in Docker Compose, ERP_FOLDER is its folder."
        raise SettingsError(f"There is no file of ERP connections {path}. {remedy}") from error
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


def _name(table: Any, number: int) -> Any:
    """What a message calls a connection that may be wrong: its place in the file if it has no name."""
    return table.get("name", number) if isinstance(table, dict) else number


def _all_settings(places: Sequence[_Place], tables: Sequence[dict[str, Any]]) -> tuple[ConnectionSettings, ...]:
    """Return the settings of all connections; SettingsError has a line for each that is wrong."""
    read, problems, installed = [], [], connector_types()
    for place, table in zip(places, tables, strict=True):
        try:
            read.append(_settings(place, table, installed))
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(read)


def _settings(place: _Place, table: dict[str, Any], installed: Mapping[str, ConnectorType]) -> ConnectionSettings:
    if not isinstance(table, dict):
        raise place.error([((), "must be a table [[connection]].")])
    kind = table.get("kind")
    if isinstance(kind, str) and kind in installed:
        settings_type = installed[kind].settings_type
        try:
            return _beside(place.path, settings_type.model_validate(table))
        except ValidationError as error:
            raise place.error(_problems(error, settings_type)) from None
    unknown = (("kind",), f"kind is {kind!r}; known kinds are {', '.join(sorted(installed))}.")
    raise place.error([unknown, *_problems_of_any_kind(table)])


def _problems_of_any_kind(table: dict[str, Any]) -> list[tuple[Member, str]]:
    """What is wrong whatever the kind; which other members there may be is not known without it."""
    try:
        known = {name: value for name, value in table.items() if name in ConnectionSettings.model_fields}
        ConnectionSettings.model_validate(known | {"kind": "any"})
    except ValidationError as error:
        return _problems(error, ConnectionSettings)
    return []


def _problems(error: ValidationError, settings_type: type[BaseModel]) -> list[tuple[Member, str]]:
    errors = error.errors(include_url=False, include_input=False)
    return [(each["loc"], _in_words(each, settings_type)) for each in errors if each["type"] != _NOT_CALLED]


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
        case "too_short" if member in _NARROWING:
            return f"must not be empty, or the connection would take nothing; leave out {member} to take all"
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


def _check_names(places: Sequence[_Place], settings: Sequence[ConnectionSettings]) -> None:
    """SettingsError if a name, also a former one, could mean two connections."""
    current, former = [each.name for each in settings], [name for each in settings for name in each.formerly]
    for number, each in enumerate(settings):
        if each.name in current[:number]:
            words = f"name: the file has the name {each.name} more than once; give one of the connections another name."
            raise places[number].error([(("name",), words)])
    for place, each in zip(places, settings, strict=True):
        for name in each.formerly:
            if name == each.name:
                words = f"formerly: {name} is its name now; list only names that it had before."
                raise place.error([(("formerly",), words)])
            if former.count(name) > 1 or name in current:
                words = (
                    f"formerly: the file has the former name {name} more than once, or as a name; what was exported "
                    "under it could be in either ERP. Leave it only where its documents are."
                )
                raise place.error([(("formerly",), words)])


def _check_users(places: Sequence[_Place], settings: Sequence[ConnectionSettings]) -> None:
    """SettingsError if a client could sign in to two connections by one name."""
    names: dict[str, str] = {}
    for place, each in zip(places, settings, strict=True):
        if isinstance(each, PullSettings) and (other := names.setdefault(each.user, each.name)) != each.name:
            words = f"user: {each.user} is also the user of {other}; give each connection a user of its own."
            raise place.error([(("user",), words)])
