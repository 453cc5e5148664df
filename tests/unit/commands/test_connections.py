"""`countersign connections` without servers: what it lists, the schema, wrong usage, and errors of the file."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator, ValidationError
from lxml import etree

from services.command import main
from services.exporter.connections_schema import COMMITTED, schema, written
from services.exporter.connections_schema import main as write_schema
from services.exporter.connectors.client_password import hashed, is_password
from tests.unit.exporter.pulled_kind import install_pulled_kind, pulled

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "ops" / "erp" / "connections.example.toml"
FILE = """
[[connection]]
name = "europe"
kind = "http"
title = "European books"
url = "https://eu.example/api"
companies = ["co-1"]
currencies = ["EUR", "CHF"]
kinds = ["purchase_order"]
limits = {number_characters = 11}

[[connection]]
name = "rest"
kind = "http"
title = "All other books"
url = "https://erp.example/api"
companies = ["co-1", "co-2"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "connections.toml"
    path.write_text(FILE)
    return path


def countersign(*arguments: object, **environment: str | None) -> Result:
    variables = {"ERP_CONNECTIONS": None, "COLUMNS": "250"} | environment
    return CliRunner().invoke(main, list(map(str, ("connections", *arguments))), env=variables)


def test_the_list_names_each_connection_with_its_conditions_in_the_order_of_the_file(path: Path) -> None:
    rows = json.loads(countersign("list", "--file", path, "--json").stdout)

    assert [(row["place"], row["name"], row["companies"]) for row in rows] == [
        (1, "europe", ["co-1"]),
        (2, "rest", ["co-1", "co-2"]),
    ]
    assert rows[0]["conditions"] == {"currencies": ["EUR", "CHF"], "kinds": ["purchase_order"]}
    assert rows[0]["limits"] == {"number_characters": 11}
    assert rows[1]["conditions"] == {}


def test_the_list_names_what_each_connection_was_called_before(path: Path) -> None:
    path.write_text(FILE.replace('name = "rest"', 'name = "rest"\nformerly = ["old-books"]'))

    rows = json.loads(countersign("list", "--file", path, "--json").stdout)

    assert [row["formerly"] for row in rows] == [[], ["old-books"]]


def test_the_list_is_a_table_for_people(path: Path) -> None:
    result = countersign("list", ERP_CONNECTIONS=str(path))

    assert result.exit_code == 0
    assert "currencies: EUR, CHF; kinds: purchase_order" in result.stdout
    assert "number_characters: 11" in result.stdout


@pytest.mark.parametrize("command", ["list", "check"])
def test_an_error_of_the_file_exits_with_1_and_names_the_place(command: str, path: Path) -> None:
    path.write_text(FILE.replace('title = "All', 'tittle = "All'))

    result = countersign(command, "--file", path)

    assert result.exit_code == 1
    assert f"Error: {path}, line 12, connection rest: title: is missing; add it" in result.stderr
    assert "; line 15, tittle: is not known; did you mean title?" in result.stderr
    assert result.stdout == ""


def test_a_check_of_a_file_without_any_connection_exits_with_1_and_says_how_to_add_one(path: Path) -> None:
    path.write_text("")

    result = countersign("check", "--file", path)

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Error: {path} has no connection, so nothing can be exported. Add a table [[connection]]" in result.stderr


@pytest.mark.parametrize("arguments", [["check"], ["list"], ["check", "nobody", "--file", "{path}"], ["schema", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str], path: Path) -> None:
    result = countersign(*(each.format(path=path) for each in arguments))

    assert result.exit_code == 2
    assert "Usage: " in result.stderr


def test_the_schema_is_printed_and_is_the_committed_one() -> None:
    result = countersign("schema")

    assert result.exit_code == 0
    assert result.stdout == (ROOT / COMMITTED).read_text() == written(schema()).decode()


def test_a_schema_that_differs_is_found_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "schema.json"
    assert write_schema(["--check", "--to", str(path)]) == 1
    assert "differs from the models" in capsys.readouterr().err

    assert write_schema(["--to", str(path)]) == 0
    assert write_schema(["--check", "--to", str(path)]) == 0


def validate(text: str) -> None:
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(tomllib.loads(text))


def test_the_schema_takes_the_example_which_names_it() -> None:
    validate(FILE)
    validate(EXAMPLE.read_text())
    reference = EXAMPLE.read_text().splitlines()[0].removeprefix("#:schema ")
    assert (EXAMPLE.parent / reference).resolve() == (ROOT / COMMITTED).resolve()


FAILURE = '[[connection.failure]]\ncode = "E1"\nclass = "fix_data"\nsentence = "Vendor {value}"\nowner = "approver"\n'


def test_the_schema_knows_the_failures_of_a_connection() -> None:
    validate(FILE + FAILURE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kind = "http"', 'kind = "telex"'),
        ('title = "All', 'tittle = "All'),
        ('"EUR"', '"euro"'),
        ("number_characters = 11", "number_characters = 0"),
        ('"purchase_order"', '"lease"'),
        ('kinds = ["purchase_order"]', "kinds = []"),
        ('currencies = ["EUR", "CHF"]', "currencies = []"),
        ('currencies = ["EUR", "CHF"]', "projects = []"),
        ('class = "fix_data"', 'class = "fix_it"'),
        ('[[connection]]\nname = "rest"', '[[conection]]\nname = "rest"'),
    ],
)
def test_the_schema_refuses_what_we_refuse(old: str, new: str) -> None:
    text: Any = FILE + FAILURE
    assert old in text
    with pytest.raises(ValidationError):
        validate(text.replace(old, new))


def test_a_password_is_made_with_the_hash_that_belongs_to_it() -> None:
    made = json.loads(countersign("password", "--json").stdout)

    assert made.keys() == {"password", "hash"}
    assert is_password(made["password"], made["hash"])


def test_a_password_and_its_hash_are_lines_and_what_to_do_with_them_is_not_among_them() -> None:
    result = countersign("password")

    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == ["password", "hash"]
    assert "token_file" in result.stderr


def test_the_hash_can_be_put_into_a_new_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "hash"
    made = json.loads(countersign("password", "--token-file", path, "--json").stdout)

    assert made["token_file"] == str(path)
    assert is_password(made["password"], path.read_text().strip())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_with_a_hash_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "hash").write_text("before")
    result = countersign("password", "--token-file", tmp_path / "hash")

    assert result.exit_code == 1
    assert f"{tmp_path / 'hash'} exists. To replace a hash, remove its file first." in result.stderr
    assert result.stdout == ""
    assert (tmp_path / "hash").read_text() == "before"


def test_a_folder_that_is_not_there_is_named_so(tmp_path: Path) -> None:
    result = countersign("password", "--token-file", tmp_path / "none" / "hash")

    assert result.stderr.endswith(f"The file {tmp_path / 'none' / 'hash'} cannot be made: No such file or directory.\n")


def test_a_typed_password_is_hashed_and_not_printed() -> None:
    typed = "a password of my own\n" * 2
    result = CliRunner().invoke(main, ["connections", "password", "--prompt", "--json"], input=typed)

    assert result.exit_code == 0
    assert is_password("a password of my own", json.loads(result.stdout)["hash"])
    assert "a password of my own" not in result.output


def test_a_typed_password_that_is_too_short_is_refused() -> None:
    result = CliRunner().invoke(main, ["connections", "password", "--prompt"], input="short\n" * 2)

    assert result.exit_code == 1
    assert "A password must have 16 to 256 characters." in result.stderr


@pytest.fixture
def pulled_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install_pulled_kind(tmp_path, monkeypatch)
    path = tmp_path / "connections.toml"
    path.write_text(FILE + pulled("desktop", "countersign-desktop"))
    return path


def test_the_qwc_file_of_a_connection_is_printed(pulled_path: Path) -> None:
    result = countersign("qwc", "desktop", "--url", "https://erp.example", "--file", pulled_path)

    root = etree.fromstring(result.stdout.encode())
    assert result.exit_code == 0
    assert (root.findtext("UserName"), root.findtext("AppURL")) == (
        "countersign-desktop",
        "https://erp.example/quickbooks",
    )


def test_the_qwc_file_has_the_address_of_the_exporters_environment(pulled_path: Path) -> None:
    result = countersign("qwc", "desktop", "--file", pulled_path, WEB_CONNECTOR_URL="http://localhost:8002")

    assert "<AppURL>http://localhost:8002/quickbooks</AppURL>" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("desktop", "--url", "http://erp.example"), "QBWC1010"),
        (("desktop", "--url", "https://192.0.2.1"), "QBWC1001"),
        (("desktop",), "WEB_CONNECTOR_URL"),
        (("europe", "--url", "https://erp.example"), "we call its ERP, so there is no .qwc file for it"),
        (("nobody", "--url", "https://erp.example"), "No connection is named nobody."),
    ],
)
def test_without_what_a_qwc_file_needs_there_is_none(arguments: tuple[str, ...], words: str, pulled_path: Path) -> None:
    result = countersign("qwc", *arguments, "--file", pulled_path, WEB_CONNECTOR_URL=None)

    assert result.exit_code != 0
    assert words in result.stderr
    assert result.stdout == ""


def test_of_an_erp_that_cannot_be_called_the_check_says_what_it_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_pulled_kind(tmp_path, monkeypatch)
    (tmp_path / "connections.toml").write_text(pulled("main", "user-1"))

    result = countersign("check", "--json", "--file", tmp_path / "connections.toml", PASSWORD_HASH=hashed("a" * 20))

    assert result.exit_code == 0
    assert "cannot be called, so only the settings were looked at." in result.stdout


def test_documents_that_are_never_compared_cannot_be_compared_now(path: Path) -> None:
    path.write_text(FILE.replace('currencies = ["EUR", "CHF"]', "compares_documents = false"))

    result = countersign("compare", "europe", "--file", path)

    assert result.exit_code == 1
    assert "never compared: its compares_documents is false" in result.stderr
