"""Until when the files and tokens of connections are valid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from joserfc.jwk import OctKey
from joserfc.jwt import encode
from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.exporter import metrics
from services.exporter.connections import Connections, load_connections
from services.exporter.expiring import Expiring, token_expiry

SOON, LATER = (datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) for days in (10, 90))
KEY = OctKey.import_key("0123456789abcdef0123456789abcdef")


def token_of(claims: dict[str, object]) -> str:
    return encode({"alg": "HS256"}, claims, KEY)


def connections(folder: Path, token: str, **files: Path) -> Connections:
    path = folder / "connections.toml"
    members = "".join(f'{name} = "{file}"\n' for name, file in files.items())
    path.write_text(
        '[[connection]]\nname = "main"\nkind = "http"\ntitle = "Main"\nurl = "https://erp.example.com"\n'
        f'companies = ["co-1"]\ntoken_env = "ERP_TOKEN"\n{members}'
    )
    return load_connections(path, {"ERP_TOKEN": token})


def shown(certificate: str) -> float | None:
    labels = {"connection": "main", "certificate": certificate}
    return REGISTRY.get_sample_value("erp_certificate_expiry_timestamp_seconds", labels)


def token_shown() -> float | None:
    return REGISTRY.get_sample_value("erp_token_expiry_timestamp_seconds", {"connection": "main"})


@pytest.fixture(autouse=True)
def nothing_shown() -> None:
    for each in (metrics.CERTIFICATE_EXPIRY, metrics.TOKEN_EXPIRY):
        each.clear()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    ca = trustme.CA()
    client, ca_file = tmp_path / "client.pem", tmp_path / "ca.pem"
    client.write_bytes(ca.issue_cert("us@example.com", not_after=SOON).private_key_and_cert_chain_pem.bytes())
    ca_file.write_bytes(ca.issue_cert("ca.example.com", not_after=LATER).cert_chain_pems[0].bytes())
    return {"ca_file": ca_file, "client_certificate_file": client}


async def test_files_and_a_token_are_shown_until_the_connection_is_gone(tmp_path: Path, files: dict[str, Path]) -> None:
    known = connections(tmp_path, token_of({"exp": 1_900_000_000}), **files)
    expiring = Expiring(known)
    await expiring.read_files()

    assert [shown("client"), shown("ca")] == [SOON.timestamp(), LATER.timestamp()]
    assert token_shown() == 1_900_000_000

    await known.replace({})
    await expiring.read_files()

    assert [shown("client"), shown("ca"), token_shown()] == [None, None, None]


async def test_a_connection_without_files_and_with_an_opaque_token_shows_nothing(tmp_path: Path) -> None:
    known = connections(tmp_path, "opaque-token")
    expiring = Expiring(known)
    await expiring.read_files()
    await expiring.show_servers()

    assert [shown("client"), shown("ca"), shown("server"), token_shown()] == [None] * 4
    await known.close()


async def test_a_file_that_is_gone_is_an_error_and_holds_up_no_other(tmp_path: Path, files: dict[str, Path]) -> None:
    known = connections(tmp_path, "opaque-token", **files)
    files["client_certificate_file"].unlink()
    with pytest.raises(FileNotFoundError):
        await Expiring(known).read_files()
    assert [shown("client"), shown("ca")] == [None, LATER.timestamp()]
    await known.close()


async def test_what_the_erp_has_shown_is_shown_until_its_connection_is_gone(tmp_path: Path) -> None:
    known = connections(tmp_path, "opaque-token")
    expiring = Expiring(known)
    connector: Any = known.by_name["main"].connector
    connector._calls.certificate_expires_at = SOON
    await expiring.show_servers()
    await expiring.read_files()
    assert shown("server") == SOON.timestamp()

    await known.replace({})
    await expiring.read_files()
    assert shown("server") is None


@pytest.mark.parametrize(
    "token",
    [
        None,
        "opaque",
        "three.part.token",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
        token_of({"sub": "countersign"}),
        token_of({"exp": "soon"}),
        f"{token_of({}).rpartition('.')[0]}",
    ],
)
def test_a_token_that_does_not_say_when_it_expires_has_no_expiry(token: str | None) -> None:
    assert token_expiry(None if token is None else SecretStr(token)) is None


def test_a_token_that_has_expired_still_says_when() -> None:
    assert token_expiry(SecretStr(token_of({"exp": 1_000}))) == 1_000
