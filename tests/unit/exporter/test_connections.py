"""Reading the file of ERP connections, and the errors in it."""

import os
import tomllib
from pathlib import Path

import pytest
import trustme

from services.exporter.connections import Connections, load_connections, remedy_of
from services.exporter.connections_file import read_settings
from services.exporter.connectors.http import HttpSettings
from services.exporter.connectors.tls import tls_context
from services.exporter.rules.policy import policy_for
from services.pipeline.errors import SettingsError
from tests.unit.exporter.builders import accepted_event

MAIN = """
[[connection]]
name = "main"
kind = "http"
title = "Main books"
url = "https://erp.example.com/api"
companies = ["co-1", "co-2"]
token_env = "ERP_TOKEN"
settle_seconds = 45
enforces_reference = true

[connection.limits]
number_characters = 11
"""
OTHER = MAIN.replace('"main"', '"other"').replace('"co-1", "co-2"', '"co-3"')
ENVIRONMENT = {"ERP_TOKEN": "s3cret"}


def saved(folder: Path, text: str) -> Path:
    path = folder / "connections.toml"
    path.write_text(text, encoding="utf-8")
    return path


def routes(connections: Connections, *companies: str) -> list[str | None]:
    return [connections.route(accepted_event(company_id=each).data) for each in companies]


async def test_a_file_names_connections_and_routes(tmp_path: Path) -> None:
    connections = load_connections(saved(tmp_path, MAIN + OTHER), ENVIRONMENT)

    main = connections.by_name["main"]
    assert routes(connections, "co-1", "co-2", "co-3", "co-4") == ["main", "main", "other", None]
    assert (main.settings.limits.number_characters, policy_for(main.settings).settle_seconds) == (11, 45)
    assert main.connector.enforces_reference
    assert main.lease_seconds > 3 * main.settings.timeout_seconds
    for each in connections.by_name.values():
        await each.connector.close()


@pytest.mark.parametrize(("timeout", "settle"), [("", 60), ("timeout_seconds = 5", 30), ("timeout_seconds = 90", 180)])
async def test_without_settle_seconds_the_erp_gets_twice_the_time_out_but_half_a_minute_at_least(
    tmp_path: Path, timeout: str, settle: float
) -> None:
    main = load_connections(saved(tmp_path, MAIN.replace("settle_seconds = 45", timeout)), ENVIRONMENT).by_name["main"]

    assert main.settings.settle_seconds == settle
    await main.connector.close()


async def test_a_token_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    text = MAIN.replace('token_env = "ERP_TOKEN"', f'token_file = "{tmp_path / "token"}"')

    await load_connections(saved(tmp_path, text), {}).by_name["main"].connector.close()


async def test_files_are_named_from_the_folder_of_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    text = MAIN.replace('token_env = "ERP_TOKEN"', 'token_file = "token"')

    main = load_connections(saved(tmp_path, text), {}).by_name["main"]

    assert main.settings.token_file == tmp_path / "token"
    await main.connector.close()


def test_a_token_file_of_somebody_else_is_told_with_the_user_who_has_to_read_it(tmp_path: Path) -> None:
    text = MAIN.replace('token_env = "ERP_TOKEN"', 'token_file = "main.token"')
    [settings] = read_settings(saved(tmp_path, text))
    assert remedy_of(settings, tmp_path / "main.token", PermissionError()).endswith(f"chown {os.getuid()} main.token")
    assert remedy_of(settings, tmp_path / "main.token", FileNotFoundError()) == "Put the ERP's token there."


def test_without_a_file_of_connections_the_example_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no file of ERP connections .* Begin from ops/erp/connections\.example"):
        read_settings(tmp_path / "connections.toml")


def test_a_file_without_connections_has_no_routes(tmp_path: Path) -> None:
    assert routes(load_connections(saved(tmp_path, ""), {}), "co-1") == [None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MAIN.replace('"http"', '"telex"'), "kind is 'telex'; known kinds are "),
        (MAIN.replace('kind = "http"', ""), "kind is None; known kinds are "),
        (MAIN + MAIN, "line 16, connection main: name: the file has the name main more than once"),
        (MAIN.replace("number_ch", "numer_ch"), "unknown limits: numer_characters (did you mean number_characters?)"),
        (
            MAIN + OTHER.replace("co-3", "co-2"),
            "nothing of the company co-2 can reach the connection other, since main",
        ),
        (MAIN.replace("settle_seconds", 'currencies = ["euro"]\nsettle_seconds'), "currencies.0: must be an ISO 4217"),
        (
            MAIN.replace("settle_seconds", 'currencies = "EUR"\nsettle_seconds'),
            'currencies: must be a list, such as ["EUR"]',
        ),
        (MAIN.replace("settle_seconds", 'failure = "E-1"\nsettle_seconds'), "failure: must be a list"),
        (MAIN.replace("settle_seconds", 'kinds = ["lease"]\nsettle_seconds'), "kinds.0: "),
        (MAIN.replace("settle_seconds", "settle_second = 3\nsettle_seconds"), "settle_second: is not known; did you"),
        (MAIN.replace("settle_seconds", 'fax = "3"\nsettle_seconds'), "fax: is not known; remove it"),
        (MAIN.replace('title = "Main books"', ""), "line 2, connection main: title: is missing; add it"),
        (MAIN + OTHER.replace("https:", "htp:"), "line 19, connection other: url: must be an http or https address"),
        (MAIN + '[[connection.failure]]\ncode = "1"', "failure.0.class: is missing; add it"),
        (MAIN + '[[connection.failure]]\ncode = "1"\nclass = "fix_data"\nsentence = "{0}"', "failure.0.sentence: "),
        ("connection = [7]", "connection 1: must be a table"),
        (MAIN.replace("ERP_TOKEN", "NO_SUCH_TOKEN"), "set the variable NO_SUCH_TOKEN"),
        (MAIN.replace('token_env = "ERP_TOKEN"', 'token_file = "/nowhere/token"'), "token file cannot be read"),
        (MAIN.replace("settle_seconds", 'token_file = "x"\nsettle_seconds'), "token_env or token_file, not both"),
        (MAIN.replace("settle_seconds", "settle_secs"), "settle_secs"),
        (
            MAIN.replace("= 45", "= 29"),
            "Set settle_seconds to the longest time that the ERP may take to store a document",
        ),
        (MAIN.replace("= 45", "= 29"), "connection main: settle_seconds = 29 is less than timeout_seconds = 30"),
        (MAIN.replace("= 45", "= 29"), "at least to 30"),
        (MAIN.replace("https://erp.example.com/api", "erp.example.com"), "url"),
        (MAIN.replace('["co-1", "co-2"]', "[]"), "companies"),
        *(
            (
                MAIN.replace("settle_seconds", f"{member} = []\nsettle_seconds"),
                f"{member}: must not be empty, or the connection would take nothing; leave out {member} to take all",
            )
            for member in ("projects", "currencies", "kinds")
        ),
        ("[connection]", "may contain only [[connection]]"),
        ("[[conection]]", "may contain only [[connection]]"),
        ("[[", "is not valid TOML"),
    ],
)
def test_an_error_says_what_is_wrong_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_connections(saved(tmp_path, text), ENVIRONMENT)

    assert message in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_wrong_member_is_all_that_is_reported_where_a_default_waits_for_it(tmp_path: Path) -> None:
    path = saved(tmp_path, MAIN.replace("settle_seconds = 45", 'timeout_seconds = "long"'))

    with pytest.raises(SettingsError) as refusal:
        load_connections(path, ENVIRONMENT)

    problem = "timeout_seconds: must be a valid number, unable to parse string as a number"
    assert str(refusal.value) == f"{path}, line 9, connection main: {problem}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (MAIN.replace('"http"', '"telex"'), "line 4, connection main: kind is 'telex'"),
        (MAIN.replace('companies = ["co-1"', 'companies = [\n"",\n"co-1"'), "line 7, connection main: companies.0:"),
        (MAIN.replace("= 11", '= "many"'), "line 13, connection main: limits.number_characters:"),
        (MAIN + '[[connection.failure]]\ncode = "1"', "line 14, connection main: failure.0.class: is missing"),
        (MAIN + "[[connection.failure]]\n\n# why\ncode = 1", "; line 17, failure.0.code: must be a string"),
        (MAIN.replace("url =", 'fax = """\nurl =\n"""\nurl ='), "line 6, connection main: fax: is not known"),
        ('connection = [{name = "main", kind = "telex"}]', "toml, connection main: kind is"),
        (MAIN.replace("45", '"""\n[[connection]]\n"""'), "toml, connection main: settle_seconds:"),
    ],
)
def test_an_error_names_the_line_on_which_the_wrong_member_begins(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_connections(saved(tmp_path, text), ENVIRONMENT)

    assert place in str(refusal.value)


def test_several_errors_of_a_connection_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, MAIN.replace('title = "Main books"', 'fax = "3"').replace("= 45", '= "long"'))

    with pytest.raises(SettingsError) as refusal:
        load_connections(path, ENVIRONMENT)

    assert str(refusal.value).startswith(f"{path}, line 2, connection main: title: is missing; add it; line 5, fax: is")
    assert "; line 9, settle_seconds: must be" in str(refusal.value)


def test_an_error_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load_connections(tmp_path / "absent.toml", ENVIRONMENT)


@pytest.mark.parametrize(
    "text",
    [
        MAIN + OTHER.replace("settle_seconds", 'formerly = ["main"]\nsettle_seconds'),
        MAIN.replace("settle_seconds", 'formerly = ["books"]\nsettle_seconds')
        + OTHER.replace("settle_seconds", 'formerly = ["books"]\nsettle_seconds'),
        MAIN.replace("settle_seconds", 'formerly = ["books", "books"]\nsettle_seconds'),
    ],
)
def test_a_former_name_that_could_mean_two_connections_is_refused(tmp_path: Path, text: str) -> None:
    named = (
        r"line \d+, connection \w+: formerly: the file has the former name (main|books) more than once, or as a name"
    )
    with pytest.raises(SettingsError, match=named):
        load_connections(saved(tmp_path, text), ENVIRONMENT)


def test_a_connection_s_own_name_is_none_of_its_former_ones(tmp_path: Path) -> None:
    text = MAIN.replace("settle_seconds", 'formerly = ["main"]\nsettle_seconds')

    with pytest.raises(SettingsError, match=r"line 9, connection main: formerly: main is its name now; list only"):
        load_connections(saved(tmp_path, text), ENVIRONMENT)


def test_a_wrong_connection_does_not_hide_what_is_wrong_with_the_others(tmp_path: Path) -> None:
    wrong = MAIN.replace('"http"', '"telex"') + OTHER.replace("https:", "htp:") + OTHER.replace("settle_", "setle_")

    with pytest.raises(SettingsError) as refusal:
        load_connections(path := saved(tmp_path, wrong), ENVIRONMENT)

    assert [each.partition(": ")[0] for each in str(refusal.value).splitlines()] == [
        f"{path}, line 4, connection main",
        f"{path}, line 19, connection other",
        f"{path}, line 35, connection other",
    ]


def test_a_wrong_kind_does_not_hide_what_is_wrong_whatever_the_kind(tmp_path: Path) -> None:
    path = saved(tmp_path, MAIN.replace('"http"', '"telex"').replace("= 45", '= "long"').replace("title", "fax"))

    with pytest.raises(SettingsError) as refusal:
        load_connections(path, ENVIRONMENT)

    begins, ends = str(refusal.value).split("line 4, kind is 'telex'; known kinds are ")
    assert begins == f"{path}, line 2, connection main: title: is missing; add it; "
    assert "line 9, settle_seconds: must be a valid number" in ends
    assert "fax" not in ends


async def test_a_connection_answers_to_its_former_names_and_routes_to_its_own(tmp_path: Path) -> None:
    text = MAIN.replace("settle_seconds", 'formerly = ["ledger", "books"]\nsettle_seconds')
    connections = load_connections(saved(tmp_path, text + OTHER), ENVIRONMENT)

    named = [connections.named(name) for name in ("main", "books", "other", "gone", None)]
    assert [each and each.name for each in named] == ["main", "main", "other", None, None]
    assert connections.names_of("books") == ("main", "ledger", "books")
    assert connections.names_of("gone") == ("gone",)
    assert routes(connections, "co-1") == ["main"]
    await connections.close()


async def test_a_commitment_that_has_used_a_former_name_is_routed_to_that(tmp_path: Path) -> None:
    text = MAIN.replace("settle_seconds", 'formerly = ["books"]\nsettle_seconds')
    connections = load_connections(saved(tmp_path, text), ENVIRONMENT)
    order = accepted_event().data

    assert [connections.route(order, used) for used in ({"books"}, {"books", "main"}, {"gone"})] == [
        "books",
        "main",
        "main",
    ]
    await connections.close()


def test_a_secret_in_the_file_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_connections(saved(tmp_path, MAIN.replace("token_env = ", "token = ")), ENVIRONMENT)

    assert "token: is not known; put the secret into a variable or a file" in str(refusal.value)


@pytest.mark.parametrize(
    "more",
    [
        'kind = "http"\nurl = "https://kim:s3cret@erp.example.com"',
        'kind = "http"\nurl = "https://s3cret@erp.example.com"',
        'kind = "lambda_erp"\ncompany = "A"\nurl = "https://kim:s3cret@erp.example.com"',
        'kind = "tryton"\ndatabase = "a"\nuser = "kim"\nurl = "https://kim:s3cret@erp.example.com"',
        'kind = "tryton"\ndatabase = "a"\nuser = "k"\nurl = "http://a.example"\ndocument_url = "https://kim:s3cret@erp.example.com/{id}"',
    ],
)
def test_a_secret_in_an_address_is_refused(tmp_path: Path, more: str) -> None:
    text = f'[[connection]]\nname = "main"\ntitle = "Books"\ncompanies = ["co-1"]\n{more}\n'

    with pytest.raises(SettingsError) as refusal:
        load_connections(saved(tmp_path, text), ENVIRONMENT)

    line, member = text.count("\n"), more.splitlines()[-1].split(" ")[0]
    problem = f"line {line}, connection main: {member}: must not contain a user or password; put the secret into"
    assert problem in str(refusal.value)
    assert "token_env or token_file" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_file_that_a_connector_cannot_use_is_named_with_its_connection(tmp_path: Path) -> None:
    text = MAIN.replace("settle_seconds", f'ca_file = "{tmp_path / "missing.pem"}"\nsettle_seconds')

    with pytest.raises(SettingsError, match=r"connection main: ca_file: .*missing.pem cannot be read: No such file"):
        load_connections(saved(tmp_path, text), ENVIRONMENT)


@pytest.mark.parametrize("token", ["two\nlines", "tök", "\x00"])
def test_a_token_that_no_request_can_carry_is_refused_at_start(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingsError, match=r"connection main: the token is empty, or has characters"):
        load_connections(saved(tmp_path, MAIN), {"ERP_TOKEN": token})


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff"])
def test_a_token_file_without_a_token_is_refused_at_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    text = MAIN.replace('token_env = "ERP_TOKEN"', f'token_file = "{tmp_path / "token"}"')

    with pytest.raises(SettingsError, match=r"connection main: the token"):
        load_connections(saved(tmp_path, text), {})


async def test_the_first_connection_in_the_file_whose_conditions_hold_gets_a_commitment(tmp_path: Path) -> None:
    def ledger(name: str, conditions: str = "") -> str:
        return MAIN.replace('"main"', f'"{name}"').replace("settle_seconds", f"{conditions}\nsettle_seconds")

    text = (
        ledger("europe", 'currencies = ["EUR"]')
        + ledger("harbour", 'projects = ["pr-1"]\nkinds = ["subcontract"]')
        + ledger("rest")
    )
    connections = load_connections(saved(tmp_path, text), ENVIRONMENT)

    assert routes(connections, "co-1", "co-3") == ["harbour", None]
    assert [connections.place(name) for name in ("europe", "harbour", "rest")] == [1, 2, 3]


def test_connections_without_files_of_their_own_share_the_cas_until_the_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    plain = HttpSettings.model_validate(tomllib.loads(MAIN)["connection"][0])
    shared, own = tls_context(plain), tls_context(plain.model_copy(update={"ca_file": tmp_path / "ca.pem"}))

    assert tls_context(plain) is shared
    assert own is not shared
    load_connections(saved(tmp_path, MAIN), ENVIRONMENT)
    assert tls_context(plain) is not shared
