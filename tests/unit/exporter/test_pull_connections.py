"""Connections whose ERP's client signs in to us: what the file must say of them, or nothing starts."""

from pathlib import Path

import pytest

from services.exporter.connections import Connections, load_connections
from services.exporter.connectors.client_password import hashed
from services.pipeline.errors import SettingsError
from tests.unit.exporter.pulled_kind import install_pulled_kind, pulled

HASH = {"PASSWORD_HASH": hashed("a password of the client")}


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> Connections:
    (folder / "connections.toml").write_text(text)
    return load_connections(folder / "connections.toml", HASH if environ is None else environ)


@pytest.fixture(autouse=True)
def _pulled_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pulled_kind(tmp_path, monkeypatch)


async def test_connections_with_different_users_are_read(tmp_path: Path) -> None:
    connections = loaded(tmp_path, pulled("main", "user-1") + pulled("other", "user-2"))

    assert list(connections.by_name) == ["main", "other"]
    await connections.close()


def test_one_user_for_two_connections_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, pulled("main", "user-1") + pulled("other", "user-1"))
    assert "line 14, connection other: user: user-1 is also the user of main; give each connection" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("environ", "more", "words"),
    [
        ({"PASSWORD_HASH": "a password of the client"}, 'token_env = "PASSWORD_HASH"', "is not the hash of a password"),
        ({}, "", "token_env or token_file is missing. Make one with `countersign connections password`"),
        ({}, 'token_env = "PASSWORD_HASH"', "set the variable PASSWORD_HASH to the hash of the"),
        ({}, 'token_file = "/nowhere/hash"', "Put the hash of the Web Connector's password there."),
    ],
)
def test_a_token_that_is_no_hash_is_an_error_that_does_not_repeat_it(
    tmp_path: Path, environ: dict[str, str], more: str, words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, pulled("main", "user-1", more), environ)
    assert words in str(refused.value)
    assert "connection main" in str(refused.value)
    assert "a password of the client" not in str(refused.value)


async def test_the_hash_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "hash").write_text(HASH["PASSWORD_HASH"] + "\n")

    await loaded(tmp_path, pulled("main", "user-1", f'token_file = "{tmp_path / "hash"}"'), {}).close()
