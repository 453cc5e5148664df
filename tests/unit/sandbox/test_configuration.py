"""The sandbox's ERP connection."""

from pathlib import Path

from pydantic import SecretStr

from sandbox.configuration import write_connections
from sandbox.erp import Erp
from sandbox.erp.faults import SLOWEST_SECONDS
from sandbox.erp.rules import Rules, refusal
from schemas.examples.cast import IRONLINE
from services.exporter.connections import load_connections
from tests.erp_orders import an_order


async def test_the_demo_waits_longer_than_its_slowest_answer_before_it_writes_again(tmp_path: Path) -> None:
    erp = Erp(url="http://127.0.0.1:1", token=SecretStr("s3cret"))
    path = write_connections(tmp_path, erp.connection, {})
    (connection,) = load_connections(path, erp.secrets).by_name.values()

    assert connection.settings.timeout_seconds + connection.settings.settle_seconds > SLOWEST_SECONDS
    await connection.connector.close()


async def test_the_connection_announces_what_the_small_erp_takes_by_its_rules(tmp_path: Path) -> None:
    erp = Erp(url="http://127.0.0.1:1", token=SecretStr("s3cret"), rules=Rules(number_characters=12))
    path = write_connections(tmp_path, erp.connection, {"limits.takes_accounting_date": True})
    (connection,) = load_connections(path, erp.secrets).by_name.values()
    limits = connection.settings.limits
    await connection.connector.close()

    assert (limits.number_characters, limits.needs_vendor_code, limits.takes_accounting_date) == (12, True, True)
    for broken in (an_order(number="N" * 13), an_order(vendor=IRONLINE)):
        assert refusal(broken, Rules(number_characters=12))
