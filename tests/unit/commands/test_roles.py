"""`countersign roles` without a server: what it prints, and wrong usage."""

import json
import re

import pytest
from click.testing import CliRunner, Result

from services.command import main
from services.commands.migrate import MigrationSettings
from services.pipeline.names import SERVICES


def countersign(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ("roles", *arguments), env=environment)


def test_the_sql_names_a_role_for_each_service_and_one_for_all_schemas_and_no_password() -> None:
    result = countersign()
    assert result.exit_code == 0
    named = set(re.findall(r"\('(countersign_\w+)', \d+\)", result.stdout))
    assert named == {f"countersign_{role}" for role in (*SERVICES, "owner")}
    statements = "\n".join(line for line in result.stdout.splitlines() if not line.startswith("--"))
    assert "password" not in statements
    assert all(f"grant usage on schema {service} to countersign_{service};" in statements for service in SERVICES)
    assert "truncate" not in statements
    assert "superuser" not in re.sub("nosuperuser|rolsuper", "", statements)


def test_each_role_has_room_for_the_pools_of_its_processes_and_some_commands() -> None:
    result = countersign("--processes", "3", "--json")
    printed = json.loads(result.stdout)
    assert {role["name"]: role["connections"] for role in printed["roles"]} == {
        "countersign_approval": 3 * 20 + 4,
        "countersign_exporter": 3 * 24 + 4,
        "countersign_notifier": 3 * 20 + 4,
        "countersign_digest": 3 * 20 + 4,
    }
    assert printed["connections"] == 268
    assert "268 connections together" in result.stderr
    assert ("countersign_exporter', 76" in printed["sql"]) is True


def test_one_service_with_a_database_of_its_own_gets_its_role_and_the_owner_only() -> None:
    statements = countersign("--service", "digest", "--prefix", "eu").stdout
    assert "'eu_digest'" in statements
    assert "create schema if not exists digest authorization eu_owner;" in statements
    assert "approval" not in statements


@pytest.mark.parametrize("prefix", ["", "Eu", "eu;", "eu-1", "1eu", "pg_eu", "e" * 41, "eu'"])
def test_a_prefix_that_would_need_quotes_is_wrong_usage(prefix: str) -> None:
    result = countersign("--prefix", prefix)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "lower case" in result.stderr


@pytest.mark.parametrize("arguments", [("--service", "payroll"), ("--processes", "0"), ("approval",)])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    result = countersign(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_check_without_an_address_says_what_to_set() -> None:
    result = countersign("--check", DATABASE_URL="", APPROVAL_DATABASE_URL="")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Set DATABASE_URL, or APPROVAL_DATABASE_URL for approval alone." in result.stderr


def test_a_services_own_address_for_migrations_goes_before_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgresql://owner@localhost/all")
    monkeypatch.setenv("DIGEST_MIGRATION_DATABASE_URL", "postgresql://owner@localhost/digest")
    settings = MigrationSettings()
    given = {name: getattr(settings, name).get_secret_value().rpartition("/")[2] for name in SERVICES}
    assert given == {"approval": "all", "exporter": "all", "notifier": "all", "digest": "digest"}
