""".env.example lists and describes every variable of the settings classes and of docker-compose.yml.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from services.pipeline.settings import ServiceSettings
from tests.contract.settings_classes import CLASSES, SERVICES, fields, missing, variables

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE_DEFAULTS = dict(re.findall(r"\$\{(\w+)(?::(?:-([^}]*)|\?[^}]*))?\}", (ROOT / "docker-compose.yml").read_text()))
"""Every variable of docker-compose.yml with its default, if it has one."""

COMPOSE_REQUIRED = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
"""Those that have to be set."""

BASES = {"ServiceSettings"}
"""Settings classes that only serve as base classes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable in the example."""

    name: str
    value: str
    description: str
    is_set: bool


def entries(example: str) -> list[Entry]:
    found = re.findall(r"((?:^# .*\n)+)^(#?)([A-Z_]+)=(.*)$", example, re.MULTILINE)
    return [
        Entry(name, value.strip('"'), " ".join(re.findall(r"^# (.*)$", comment, re.MULTILINE)), is_set=not mark)
        for comment, mark, name, value in found
    ]


def known_variables() -> set[str]:
    return {name for settings in CLASSES for name in variables(settings)} | COMPOSE_DEFAULTS.keys()


def undocumented(example: str) -> list[str]:
    return sorted(known_variables() - {entry.name for entry in entries(example)})


def unknown(example: str) -> list[str]:
    """Variables that nothing reads, or that have no comment."""
    written = re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)
    return sorted(set(written) - (known_variables() & {entry.name for entry in entries(example)}))


def repeated(example: str) -> list[str]:
    names = [entry.name for entry in entries(example)]
    return sorted({name for name in names if names.count(name) > 1})


def wrong_descriptions(example: str) -> list[str]:
    """Variables whose comment differs from the description in a settings class; Compose's have none to compare."""
    descriptions: dict[str, set[str]] = {}
    for settings in (*CLASSES, ServiceSettings):
        for names, field in fields(settings):
            for name in names:
                descriptions.setdefault(name, set()).add(str(field.description))
    return [
        entry.name
        for entry in entries(example)
        if entry.name in descriptions and entry.description not in descriptions[entry.name]
    ]


def wrong_defaults(example: str) -> list[str]:
    """Variables shown with a value that is not their default."""
    shown = {entry.name: entry.value for entry in entries(example)}
    wrong = {
        names[0]
        for settings in CLASSES
        for names, field in fields(settings)
        if not field.is_required() and field.default is not None and names[0] in shown
        if TypeAdapter(field.annotation).validate_strings(shown[names[0]]) != field.default
    }
    wrong |= {name for name, default in COMPOSE_DEFAULTS.items() if default and shown.get(name, default) != default}
    return sorted(wrong)


def unset(example: str) -> list[str]:
    """Variables that a service or Compose requires and the example does not set."""
    given = {entry.name for entry in entries(example) if entry.is_set}
    required = {name for settings in SERVICES.values() for name in missing(settings, given)}
    return sorted(required | (COMPOSE_REQUIRED - given))


def known_secrets(example: str) -> list[str]:
    """Secrets with a value in the example, which somebody would use as it is."""
    return [e.name for e in entries(example) if e.is_set and e.value and re.search("PASSWORD|SECRET|TOKEN", e.name)]


CHECKS = (undocumented, unknown, repeated, wrong_descriptions, wrong_defaults, unset, known_secrets)
VIOLATIONS: tuple[tuple[Callable[[str], list[str]], str, str, list[str]], ...] = (
    (undocumented, "#SESSION_HOURS=12", "", ["SESSION_HOURS"]),
    (undocumented, "\nERP_FOLDER=./ops/erp", "", ["ERP_FOLDER"]),
    (unknown, "DIGEST_AT", "DIGEST_TIME", ["DIGEST_TIME"]),
    (unknown, "# How long a sign-in lasts, in hours.\n", "", ["SESSION_HOURS"]),
    (repeated, "DEMO_ERP_PORT", "DEMO_DESK_PORT", ["DEMO_DESK_PORT"]),
    (wrong_descriptions, "# SASL user name.", "# User.", ["KAFKA_SASL_USERNAME"]),
    (wrong_defaults, "#HTTP_PORT=8000", "#HTTP_PORT=80", ["HTTP_PORT"]),
    (wrong_defaults, "#DIGEST_AT=06:00", "#DIGEST_AT=07:00", ["DIGEST_AT"]),
    (wrong_defaults, "postgres:18\n", "postgres:17\n", ["POSTGRES_IMAGE"]),
    (unset, "\nOIDC_AUDIENCE=", "\n#OIDC_AUDIENCE=", ["OIDC_AUDIENCE"]),
    (unset, "\nPOSTGRES_PASSWORD=", "\n#POSTGRES_PASSWORD=", ["POSTGRES_PASSWORD"]),
    (known_secrets, "\nLINK_SECRET=", "\nLINK_SECRET=change-me", ["LINK_SECRET"]),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_example_passes(check: Callable[[str], list[str]]) -> None:
    assert check(EXAMPLE) == []


@pytest.mark.parametrize(("check", "old", "new", "problems"), VIOLATIONS)
def test_a_violation_is_found(check: Callable[[str], list[str]], old: str, new: str, problems: list[str]) -> None:
    assert old in EXAMPLE
    assert check(EXAMPLE.replace(old, new)) == problems


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_the_example_with_what_is_empty_filled_in(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in known_variables():
        monkeypatch.delenv(name, raising=False)
    for entry in entries(EXAMPLE):
        if entry.is_set:
            monkeypatch.setenv(entry.name, entry.value or f"https://{entry.name}.example".lower())
    SERVICES[service]()
    monkeypatch.setenv("KAFKA_GROUP_PROTOCOL", "newest")
    with pytest.raises(ValidationError):
        SERVICES[service]()


def test_every_settings_class_is_checked() -> None:
    sources = "\n".join(path.read_text() for room in ("services", "sandbox") for path in (ROOT / room).rglob("*.py"))
    declared = set(re.findall(r"^class (\w+)\((?:Base|Kafka|Service)Settings\)", sources, re.MULTILINE))
    assert declared == {settings.__name__ for settings in CLASSES} | BASES
