"""The `countersign` command without servers: usage, exit statuses, and messages on stderr."""

import importlib
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from schemas.envelope import encode
from schemas.examples import EXAMPLES
from services.command import main
from services.commands.output import harmless
from services.pipeline.names import SERVICES
from services.pipeline.settings import ServiceSettings

COMMANDS = {
    *("run", "migrate", "roles", "topics", "publish", "digest", "demo", "dead-letters", "explain"),
    *("acls", "doctor", "lag", "offsets", "outbox"),
}
VALID = encode(EXAMPLES[0].event)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for service in SERVICES:
        monkeypatch.delenv(f"{service.upper()}_DATABASE_URL", raising=False)


def countersign(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_command_begins_without_what_only_services_and_migrations_need() -> None:
    """They would double the time until anything happens."""
    look = "import sys, services.command; print({'fastapi', 'alembic', 'faust'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True).stdout == "set()\n"


def test_help_lists_every_command() -> None:
    result = countersign("--help")
    assert result.exit_code == 0
    assert set(main.commands) >= COMMANDS
    assert {name for name in main.commands if name not in result.stdout} == set()
    assert result.stderr == ""


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    result = countersign(command, "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


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
        ["digest", "--at", "0001-01-01T00:00:00Z"],
        ["digest", "--at", "0001-01-01T00:00:00+14:00"],
        ["digest", "--at", "9999-12-31T23:59:59-12:00"],
        ["dead-letters"],
        ["dead-letters", "list", "--limit", "0"],
        ["dead-letters", "list", "--service", "payroll"],
        ["dead-letters", "show"],
        ["dead-letters", "redrive"],
        ["dead-letters", "redrive", "approval"],
        ["dead-letters", "redrive", "payroll", "--all"],
        ["dead-letters", "redrive", "approval", "--all", "--reason", "schema"],
        ["dead-letters", "discard", "approval", "commitment.sent/3/1", "--all"],
        ["dead-letters", "discard", "approval", "commitment.sent/3/1"],
        ["dead-letters", "discard", "approval", "commitment.sent/3/1", "--because", " "],
        ["dead-letters", "discard", "approval", "commitment.sent/3/1", "--because", "x" * 1_001],
        ["dead-letters", "redrive", "approval", "commitment.sent/3/1", "--key", "c-1"],
        ["dead-letters", "list", "--since", "yesterday"],
        ["dead-letters", "list", "--since", "1h", "--until", "2h"],
        ["outbox", "discard", "approval", "--because", "x"],
        ["doctor", "tonsils"],
        ["lag", "payroll"],
        ["lag", "--max-age", "yesterday"],
        ["offsets", "set", "approval", "commitment.sent/7"],
        ["offsets", "set", "approval", "--to", "end"],
        ["offsets", "set", "approval", "commitment.sent/7", "--out-of-range", "--to", "end"],
        ["offsets", "history", "digest"],
        ["outbox", "retry", "approval", "5", "--topic", "digest.ready"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_so_on_stderr(arguments: list[str]) -> None:
    result = countersign(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["migrate"], "Error: Set DATABASE_URL, or APPROVAL_DATABASE_URL for approval alone."),
        (["topics"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
        (["dead-letters", "list"], "Error: Set DATABASE_URL"),
        (["dead-letters", "redrive", "approval", "--all"], "Error: Set DATABASE_URL"),
        (["dead-letters", "redrive", "approval", "commitment.sent/3/x"], "is not a place such as"),
        (["dead-letters", "show", "commitment.sent/3/x"], "is not a place such as commitment.sent/3/1207."),
        (["lag"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
        (["offsets", "list"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
        (["offsets", "set", "digest", "directory.person/0", "--to", "end"], "The digest keeps its offsets in Kafka"),
        (["run", "approval"], "APPROVAL_DATABASE_URL: Field required"),
        (["run", "exporter"], "KAFKA_BOOTSTRAP_SERVERS: Field required"),
    ],
)
def test_a_failure_exits_with_1_and_a_message_on_stderr(arguments: list[str], sentence: str) -> None:
    result = countersign(*arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("service", SERVICES)
def test_the_aggregates_of_a_service_can_be_had_without_starting_it(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = tmp_path / "connections.toml"
    connections.write_text("")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@localhost/nothing")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("ERP_CONNECTIONS", str(connections))
    assert importlib.import_module(f"services.{service}.aggregates").load_aggregates()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Größe: 480.250,00 €", "Größe: 480.250,00 €"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J\x9b31m\x85", "\\x1b[2J\\x9b31m\\x85"),
        ("\u202egnp.exe\u2066\u200f", "\\u202egnp.exe\\u2066\\u200f"),
        ("\u2028\udc80\U000e0041", "\\u2028\\udc80\\U000e0041"),
    ],
)
def test_text_of_others_is_printed_on_one_line_and_only_as_what_it_looks_like(text: str, printed: str) -> None:
    assert harmless(text) == printed


def test_nothing_is_published_if_one_file_is_invalid(tmp_path: Path) -> None:
    good, bad, worse = (tmp_path / name for name in ("good.json", "bad.json", "worse.json"))
    good.write_bytes(VALID)
    bad.write_bytes(orjson.dumps({**orjson.loads(VALID), "id": "no uuid"}))
    worse.write_bytes(b"\xff")
    result = countersign("publish", str(good), str(bad), str(worse))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{bad}: id: must be a UUID",
        f"{worse}: not JSON: its text is not UTF-8",
        "Error: Nothing was published: 2 of 3 files are not valid events.",
    ]


def test_a_check_up_without_any_variable_checks_nothing_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PUBLIC_URL", "SMTP_URL", "MAIL_FROM", "LINK_SECRET", "ERP_CONNECTIONS", "OIDC_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    result = countersign("doctor", "--json")
    told = orjson.loads(result.stdout)
    assert (result.exit_code, told["worst"]) == (0, "not checked")
    assert {row["verdict"] for row in told["findings"]} == {"ok", "not checked"}
    assert "KAFKA_BOOTSTRAP_SERVERS is not set here" in {row["what"] for row in told["findings"]}
    assert result.stderr == "Running 18 checks\n"


@pytest.mark.parametrize("group", [(), ("dead-letters",), ("offsets",), ("outbox",), ("connections",), ("audit",)])
def test_the_help_of_a_group_has_whole_sentences(group: tuple[str, ...]) -> None:
    told = countersign(*group, "--help")
    assert "Commands:\n" in told.stdout
    assert "..." not in told.stdout.partition("Commands:\n")[2]


def test_a_check_in_which_all_is_fine_has_one_line_until_all_lines_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(*options: str) -> list[str]:
        return countersign("doctor", "settings", *options).stdout.splitlines()

    for name in ("PUBLIC_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        monkeypatch.setenv(name, "http://127.0.0.1")
    for name, value in {
        "OIDC_AUDIENCE": "the-api",
        "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
        "DATABASE_URL": "postgresql://localhost/countersign",
        "LINK_SECRET": "x" * 32,
        "ERP_CONNECTIONS": __file__,
        "SMTP_URL": "smtp://localhost:25",
        "MAIL_FROM": "erp@desk.example",
    }.items():
        monkeypatch.setenv(name, value)
    assert lines() == ["ok          settings        all: 4 findings, all fine"]
    assert [line.split()[2] for line in lines("--all")] == ["approval:", "exporter:", "notifier:", "digest:"]


def test_what_is_wrong_ends_the_check_up_with_1_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "me")
    result = countersign("doctor", "contradictions")
    assert result.exit_code == 1
    assert result.stderr == "Running 1 check\nError: 1 thing is wrong: contradictions.\n"
    [line, remedy] = result.stdout.splitlines()
    assert line.startswith("wrong       contradictions  KAFKA_SECURITY_PROTOCOL: KAFKA_SASL_USERNAME are set")
    assert remedy.strip() == "→ Set it to SASL_SSL, or remove them."


@pytest.mark.parametrize("arguments", [["explain", "\udcff"], ["dead-letters", "list", "--why", "\udcff"]])
def test_an_argument_that_is_no_text_is_wrong_usage(arguments: list[str]) -> None:
    result = countersign(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "\\udcff is not UTF-8." in result.stderr


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "event-\udcff.json"
    path.write_bytes(b"no JSON")
    result = countersign("publish", str(path))
    assert result.exit_code == 1
    assert "not JSON" in result.stderr
