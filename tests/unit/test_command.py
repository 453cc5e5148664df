"""The `countersign` command as far as it needs no server: usage, exit statuses, and sentences on stderr."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from schemas.envelope import encode
from schemas.examples import EXAMPLES
from services.command import SERVICES, main
from services.pipeline.settings import ServiceSettings

COMMANDS = {"run", "migrate", "topics", "publish", "digest", "demo", "dead-letters"}
SOUND = encode(EXAMPLES[0].event)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for service in SERVICES:
        monkeypatch.delenv(f"{service.upper()}_DATABASE_URL", raising=False)


def countersign(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_help_tells_of_every_command() -> None:
    said = countersign("--help")
    assert said.exit_code == 0
    assert set(main.commands) >= COMMANDS
    assert {name for name in main.commands if name not in said.stdout} == set()
    assert said.stderr == ""


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    said = countersign(command, "-h")
    assert said.exit_code == 0
    assert said.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["run"],
        ["run", "payroll"],
        ["migrate", "approval"],
        ["publish"],
        ["publish", "/no/such/file.json"],
        ["digest"],
        ["digest", "--at", "tomorrow"],
        ["digest", "--at", "2026-11-22T06:00:00"],
        ["dead-letters"],
        ["dead-letters", "list", "--limit", "0"],
        ["dead-letters", "list", "--service", "payroll"],
        ["dead-letters", "show"],
    ],
)
def test_wrong_usage_ends_with_two_and_says_so_on_stderr(arguments: list[str]) -> None:
    said = countersign(*arguments)
    assert said.exit_code == 2
    assert "Usage: " in said.stderr
    assert said.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["migrate"], "Error: Set DATABASE_URL, or APPROVAL_DATABASE_URL for approval alone."),
        (["topics"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
        (["dead-letters", "list"], "Error: Set DATABASE_URL"),
        (["dead-letters", "show", "commitment.sent/3/x"], "is not a place such as commitment.sent/3/1207."),
        (["run", "approval"], "APPROVAL_DATABASE_URL: Field required"),
        (["run", "exporter"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
    ],
)
def test_what_fails_ends_with_one_and_a_sentence_on_stderr(arguments: list[str], sentence: str) -> None:
    said = countersign(*arguments)
    assert said.exit_code == 1
    assert sentence in said.stderr
    assert said.stdout == ""


def test_nothing_is_published_while_one_file_is_wrong(tmp_path: Path) -> None:
    good, bad, worse = (tmp_path / name for name in ("good.json", "bad.json", "worse.json"))
    good.write_bytes(SOUND)
    bad.write_bytes(orjson.dumps({**orjson.loads(SOUND), "id": "no uuid"}))
    worse.write_bytes(b"\xff")
    said = countersign("publish", str(good), str(bad), str(worse))
    assert said.exit_code == 1
    assert said.stdout == ""
    assert said.stderr.splitlines() == [
        f"{bad}: id: must be a UUID",
        f"{worse}: not JSON: str is not valid UTF-8: surrogates not allowed",
        "Error: Nothing was published: 2 of 3 files are not valid events.",
    ]
