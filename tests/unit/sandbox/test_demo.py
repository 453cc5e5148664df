"""What the demo prints is enough to use the command next to it."""

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from sandbox.configuration import kafka_settings, write_connections
from sandbox.demo import (
    DemoSettings,
    log_lines,
    people_table,
    process_table,
    token_command,
)
from sandbox.erp import Erp
from sandbox.servers import LocalKafka
from sandbox.service_process import ServiceProcess
from sandbox.variables import COMMAND_VARIABLES, command_environment, export_lines
from services.approval.settings import ApprovalSettings
from services.digest.settings import DigestSettings
from services.exporter.connections import load_connections
from services.exporter.settings import ExporterSettings
from services.notifier.settings import NotifierSettings


def test_the_printed_variables_cover_what_commands_and_database_tools_need() -> None:
    url = "postgresql+asyncpg://postgres:secret@127.0.0.1:5432/countersign"
    environment = dict.fromkeys(COMMAND_VARIABLES, "x") | {"DATABASE_URL": url, "HTTP_PORT": "8000"}
    given = command_environment(environment, {})

    required = {
        name.upper()
        for settings in (ApprovalSettings, DigestSettings, ExporterSettings, NotifierSettings)
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    assert required <= given.keys()
    assert given["DATABASE_URL"] == "postgresql://postgres:secret@127.0.0.1:5432/countersign"
    assert "HTTP_PORT" not in given


def test_a_shell_that_reads_the_variables_finds_the_command(tmp_path: Path) -> None:
    variables = tmp_path / "variables.sh"
    variables.write_text("\n".join(export_lines(dict.fromkeys(COMMAND_VARIABLES, "it's"), {"KEY": "$x y"})))

    said = subprocess.run(
        ["sh", "-c", f'. {variables}; command -v countersign; echo "$KEY $LINK_SECRET"'],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert said.stdout.splitlines() == [str(Path(sys.executable).parent / "countersign"), "$x y it's"]


OF_REAL_SERVERS = (
    *("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_PASSWORD", "APPROVAL_DATABASE_URL", "DIGEST_DATABASE_URL"),
    *("MIGRATION_DATABASE_URL", "EXPORTER_MIGRATION_DATABASE_URL", "METRICS_PORT", "APPROVAL_RULES"),
)
"""Variables that a shell has once it has loaded the `.env` of real services."""


def test_no_command_beside_the_demo_reaches_the_servers_of_variables_that_the_shell_had(tmp_path: Path) -> None:
    variables = tmp_path / "variables.sh"
    variables.write_text("\n".join(export_lines(dict.fromkeys(COMMAND_VARIABLES, "own"), {})))

    seen = _environment(["sh", "-eu", "-c", f". {variables}; env"])

    assert ({*OF_REAL_SERVERS} & seen.keys(), seen["DATABASE_URL"], seen["OTHER"]) == (set(), "own", "real")


def test_no_service_of_the_sandbox_reaches_the_servers_of_variables_that_its_parent_has() -> None:
    given = {"DATABASE_URL": "own", "APPROVAL_RULES": "own"}
    command = ServiceProcess("approval", given).command()

    seen = _environment([*command[: command.index(sys.executable)], "env"])

    had = {*OF_REAL_SERVERS} & seen.keys()
    assert (had, seen["DATABASE_URL"], seen["APPROVAL_RULES"]) == ({"APPROVAL_RULES"}, "own", "own")
    assert seen["OTHER"] == "real"


def test_whoever_publishes_in_the_sandbox_uses_its_kafka_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN"}.items():
        monkeypatch.setenv(f"KAFKA_{name}", value)

    config = kafka_settings(kafka := LocalKafka(), "upstream").client_config()
    kafka.close()

    assert config == {"bootstrap.servers": kafka.bootstrap_servers, "security.protocol": "PLAINTEXT"}


def _environment(command: list[str]) -> dict[str, str]:
    """What `command` prints with env(1), run beside variables of real servers."""
    given = {"PATH": "/usr/bin:/bin", "OTHER": "real", **dict.fromkeys(OF_REAL_SERVERS, "real")}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=given)
    return dict(line.partition("=")[::2] for line in said.stdout.splitlines())


def test_the_table_of_services_has_the_id_of_the_process_that_people_may_end() -> None:
    with Sleeping("notifier", {}) as service:
        console = Console(record=True, width=200, file=StringIO())
        console.print(process_table([service]))
        (row,) = [row for row in console.export_text().splitlines() if "notifier" in row]
        assert row.split("│")[2].strip() == str(service.pid)


def test_everybody_has_an_address_at_which_to_begin() -> None:
    console = Console(record=True, width=80, file=StringIO())
    console.print(people_table("http://127.0.0.1:8081", "http://127.0.0.1:8080"))
    rows = [[cell.strip() for cell in row.split("│")[1:4]] for row in console.export_text().splitlines() if "│" in row]
    assert rows == [
        ["Sam Lee", "Project manager", "http://127.0.0.1:8081"],
        ["Ana Gil", "Project engineer", "http://127.0.0.1:8081"],
        ["Dana Ruiz", "Accounting approver", "http://127.0.0.1:8080/sign-in"],
        ["Kim Osei", "Viewer", "http://127.0.0.1:8080/sign-in"],
        ["Lee Park", "Second accounting approver", "http://127.0.0.1:8080/sign-in"],
    ]


def test_the_command_for_a_bearer_token_is_that_of_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs/sandbox.md").read_text(encoding="utf-8")
    assert token_command("http://127.0.0.1:8084") in page


def test_without_a_folder_for_temporary_files_the_demo_says_so_in_one_sentence() -> None:
    program = "import tempfile; tempfile.tempdir = '/nowhere'; from services.command import main; main(['demo'])"
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert ran.returncode == 1
    assert "The demo cannot run: [Errno 2] No such file or directory: '/nowhere/countersign-demo-" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_path_of_a_log_is_printed_whole() -> None:
    with Sleeping("notifier", {}) as service:
        assert log_lines([service]) == [f"Log of notifier: {service.log}"]
        console = Console(record=True, width=80, file=StringIO())
        console.print(process_table([service]))
        assert "…" not in console.export_text()


def test_what_libraries_log_does_not_come_between_the_lines_of_the_demo(tmp_path: Path) -> None:
    program = (
        "import logging, pathlib, sys\n"
        "from sandbox.demo import logs_in\n"
        "from services.pipeline.logs import configure_logs\n"
        "configure_logs('console', 'countersign')\n"  # as the command does for whatever it runs
        "with logs_in(pathlib.Path(sys.argv[1])):\n"
        "    logging.getLogger('mail.log').info('%s', 'handling connection')\n"
        "    logging.getLogger('librdkafka').warning('%s', '1 of 1 brokers are down')\n"
    )
    log = tmp_path / "demo.log"
    ran = subprocess.run([sys.executable, "-c", program, str(log)], check=True, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("", "")
    assert log.read_text().endswith("librdkafka 1 of 1 brokers are down\n")


def test_connections_of_ones_own_are_used_instead_of_the_small_erp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('[[connection]]\ntoken_env = "BOOKS_KEY"\n[[connection]]\nname = "open"\n')

    options = DemoSettings(demo_erp_connections=Path("mine.toml")).options
    environment = dict.fromkeys(COMMAND_VARIABLES, "x") | {"ERP_CONNECTIONS": str(options.erp_connections)}
    lines = export_lines(environment, None)

    assert (options.erp_connections, options.ports.erp) == (tmp_path / "mine.toml", 0)
    assert f"export ERP_CONNECTIONS={tmp_path / 'mine.toml'}" in lines
    assert lines[-1] == "# BOOKS_KEY: as for the demo, since the file ERP_CONNECTIONS refers to it"


class Sleeping(ServiceProcess):
    """A process that sleeps instead of a service, and is ready at once."""

    def command(self) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    def is_ready(self) -> bool:
        return True


async def test_the_printed_variables_have_the_secret_to_which_the_demos_connection_refers(tmp_path: Path) -> None:
    erp = Erp(url="http://127.0.0.1:1", token=SecretStr("s3cret"))
    path = write_connections(tmp_path, erp.connection, {})
    environment = dict.fromkeys(COMMAND_VARIABLES, "x") | {"ERP_CONNECTIONS": str(path)}
    given = command_environment(environment, erp.secrets)

    await load_connections(Path(given["ERP_CONNECTIONS"]), given).close()
