"""How the projection reads Faust's messages."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from services.digest.projection import record_of

NOW = datetime.now(UTC).year


@pytest.mark.parametrize(
    ("timestamp", "year"), [(-0.001, NOW), (-1e18, NOW), (0.0, NOW), (1_763_305_320.0, 2025), (1e18, NOW)]
)
def test_a_message_with_any_timestamp_becomes_a_record(timestamp: float, year: int) -> None:
    message = SimpleNamespace(
        topic="commitment.status", partition=3, offset=7, key=b"c-1", value=b"{}", headers=None, timestamp=timestamp
    )
    record = record_of(message)
    assert (record.at.year, record.position) == (year, "commitment.status/3/7")
