"""The sandbox's ERP connection."""

from pathlib import Path

from pydantic import SecretStr

from sandbox.configuration import write_connections
from sandbox.erp import Erp
from sandbox.erp.faults import SLOWEST_SECONDS
from services.exporter.connections import load_connections


async def test_the_demo_waits_longer_than_its_slowest_answer_before_it_writes_again(tmp_path: Path) -> None:
    erp = Erp(url="http://127.0.0.1:1", token=SecretStr("s3cret"))
    path = write_connections(tmp_path, erp.connection, {})
    (connection,) = load_connections(path, erp.secrets).by_name.values()

    assert connection.settings.timeout_seconds + connection.settings.settle_seconds > SLOWEST_SECONDS
    await connection.connector.close()
