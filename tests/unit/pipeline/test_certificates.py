"""Until when certificates in files are valid, and what Kafka's own are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from prometheus_client import REGISTRY

from services.pipeline.certificates import identity_expiry, trust_expiry
from services.pipeline.kafka_certificates import show_certificates
from services.pipeline.settings import KafkaSettings

SOON, LATER = (datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) for days in (10, 90))


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A file with a certificate that expires later and one that expires soon."""
    ca = trustme.CA()
    leaves = [ca.issue_cert("a.example.com", not_after=each).cert_chain_pems[0].bytes() for each in (LATER, SOON)]
    path = tmp_path / "both.pem"
    path.write_bytes(b"".join(leaves))
    return path


def test_an_identity_is_over_with_the_first_certificate_of_its_chain(both: Path) -> None:
    assert identity_expiry(both) == SOON


def test_trust_is_over_with_the_last_ca(both: Path) -> None:
    assert trust_expiry(both) == LATER


def test_a_file_without_a_certificate_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="PEM"):
        trust_expiry(path)


async def test_the_files_that_are_configured_for_kafka_are_shown(both: Path) -> None:
    settings = KafkaSettings(
        kafka_bootstrap_servers="none:9092", kafka_ssl_ca_location=both, kafka_ssl_certificate_location=both
    )
    await show_certificates(settings)

    assert [shown("ca"), shown("client")] == [LATER.timestamp(), SOON.timestamp()]


async def test_a_file_of_kafka_that_is_gone_is_an_error(tmp_path: Path) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers="none:9092", kafka_ssl_ca_location=tmp_path / "gone.pem")
    with pytest.raises(FileNotFoundError):
        await show_certificates(settings)


def shown(certificate: str) -> float | None:
    return REGISTRY.get_sample_value("kafka_certificate_expiry_timestamp_seconds", {"certificate": certificate})
