"""Who may sign in, and who tries too often."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
import structlog

from services.exporter.connections import Connection, Connections, load_connections
from services.exporter.connectors.client_password import hashed
from services.exporter.web_connector.sign_in import (
    COMPARED_AT_ONCE,
    WRONG_FOR_ONE_USER,
    WRONG_FROM_ONE_NETWORK,
    SignIns,
)
from tests.unit.exporter.pulled_kind import install_pulled_kind, pulled

PASSWORDS = {"user-1": "the password of main", "user-2": "the password of other"}
OFFICE, ATTACKER = "198.51.100.7", "203.0.113.66"


@pytest.fixture
def connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connections:
    install_pulled_kind(tmp_path, monkeypatch)
    (tmp_path / "connections.toml").write_text(
        pulled("main", "user-1", 'token_env = "ONE"') + pulled("other", "user-2", 'token_env = "TWO"')
    )
    hashes = {"ONE": hashed(PASSWORDS["user-1"]), "TWO": hashed(PASSWORDS["user-2"])}
    return load_connections(tmp_path / "connections.toml", hashes)


async def guess(sign_ins: SignIns, count: int, address: str = ATTACKER, user: str = "user-1") -> Sequence[str | None]:
    guesses = (sign_ins.connection_of(user, f"guess {number}", address) for number in range(count))
    return await asyncio.gather(*guesses)


async def test_each_user_speaks_for_its_connection_and_no_other(connections: Connections) -> None:
    sign_ins = SignIns(connections)

    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"
    assert await sign_ins.connection_of("user-2", PASSWORDS["user-2"], OFFICE) == "other"
    assert await sign_ins.connection_of("user-1", PASSWORDS["user-2"], OFFICE) is None
    assert await sign_ins.connection_of("nobody", PASSWORDS["user-1"], OFFICE) is None
    assert await sign_ins.connection_of("main", PASSWORDS["user-1"], OFFICE) is None
    assert await sign_ins.connection_of("user-1", "", OFFICE) is None
    assert await sign_ins.connection_of("user-1", "x" * 8_000, OFFICE) is None


async def test_a_wrong_password_is_told_once_it_was_compared(connections: Connections) -> None:
    told: list[str] = []

    async def tell(connection: str) -> None:
        told.append(connection)

    sign_ins = SignIns(connections, tell)
    await sign_ins.connection_of("nobody", "guess", OFFICE)
    await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE)
    assert told == []

    await guess(sign_ins, 2 * WRONG_FROM_ONE_NETWORK)
    assert set(told) == {"main"}
    assert len(told) < WRONG_FROM_ONE_NETWORK + COMPARED_AT_ONCE


async def test_without_connections_nobody_may_sign_in() -> None:
    assert await SignIns(Connections()).connection_of("user-1", "password", OFFICE) is None


async def test_a_reload_counts_from_the_next_sign_in_on(connections: Connections) -> None:
    sign_ins = SignIns(connections)
    main = connections.by_name["main"]
    await connections.replace(
        {"renamed": Connection(main.settings.model_copy(update={"name": "renamed"}), *rest(main))}
    )

    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "renamed"
    assert await sign_ins.connection_of("user-2", PASSWORDS["user-2"], OFFICE) is None


def rest(connection: Connection) -> tuple[object, object]:
    return connection.connector, connection.token


async def test_a_refusal_is_logged_with_its_connection_but_without_name_password_or_address(
    connections: Connections,
) -> None:
    sign_ins = SignIns(connections)
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            await sign_ins.connection_of("user-1", "wrong secret", ATTACKER)
            await sign_ins.connection_of("my secret as name", "wrong secret", ATTACKER)
    said = [(line["event"], line["connection"], line["reason"]) for line in lines]
    assert said == [
        ("web_connector.sign_in_refused", "main", "wrong_password"),
        ("web_connector.sign_in_refused", None, "unknown_user"),
    ]
    assert "secret" not in str(lines)
    assert ATTACKER not in str(lines)


async def test_who_tries_passwords_is_refused_without_a_comparison_even_with_the_right_one(
    connections: Connections,
) -> None:
    sign_ins = SignIns(connections)
    with structlog.testing.capture_logs() as lines:
        assert set(await guess(sign_ins, 4 * WRONG_FROM_ONE_NETWORK)) == {None}
        assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], ATTACKER) is None
    assert lines[-1]["reason"] == "too_many_from_network"


async def test_the_right_password_works_from_elsewhere_while_one_attacker_hammers(connections: Connections) -> None:
    sign_ins = SignIns(connections)
    hammering = asyncio.create_task(guess(sign_ins, 400))
    await asyncio.sleep(0)

    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"
    await hammering
    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"


async def test_once_many_networks_try_the_right_password_works_from_where_it_did_before(
    connections: Connections,
) -> None:
    sign_ins = SignIns(connections)
    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"
    for number in range(WRONG_FOR_ONE_USER + 1):
        await guess(sign_ins, 1, f"203.0.113.{number}")

    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], "203.0.113.200") is None
    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"
    assert await sign_ins.connection_of("user-2", PASSWORDS["user-2"], "203.0.113.200") == "other"


async def test_addresses_of_one_ipv6_network_count_together(connections: Connections) -> None:
    sign_ins = SignIns(connections)
    for number in range(WRONG_FROM_ONE_NETWORK):
        await guess(sign_ins, 1, f"2001:db8::{number:x}")

    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], "2001:db8::ffff") is None
    assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], "2001:db8:0:1::1") == "main"


async def test_right_passwords_are_not_counted(connections: Connections) -> None:
    sign_ins = SignIns(connections)
    for _ in range(2 * WRONG_FROM_ONE_NETWORK):
        assert await sign_ins.connection_of("user-1", PASSWORDS["user-1"], OFFICE) == "main"


@pytest.mark.alone
async def test_an_unknown_user_takes_as_long_as_a_known_one(connections: Connections) -> None:
    async def seconds(user: str) -> float:
        sign_ins, started = SignIns(connections), perf_counter()
        await sign_ins.connection_of(user, "a wrong password", OFFICE)
        return perf_counter() - started

    known = median([await seconds("user-1") for _ in range(15)])
    unknown = median([await seconds("nobody") for _ in range(15)])

    assert known > 0.005
    assert 0.5 < unknown / known < 2
