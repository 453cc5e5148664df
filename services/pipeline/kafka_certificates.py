"""Shows until when the certificates are valid by which we trust Kafka, and by which it knows us."""

import asyncio

from services.pipeline.certificates import identity_expiry, trust_expiry
from services.pipeline.metrics import KAFKA_CERTIFICATE_EXPIRY
from services.pipeline.settings import KafkaSettings

CERTIFICATES_SECONDS = 3600.0


async def show_certificates(settings: KafkaSettings) -> None:
    """Set the metric of each file that is configured; OSError or ValueError if one cannot be read."""
    files = (
        ("ca", settings.kafka_ssl_ca_location, trust_expiry),
        ("client", settings.kafka_ssl_certificate_location, identity_expiry),
    )
    for certificate, path, expiry in files:
        if path is not None:
            expires_at = await asyncio.to_thread(expiry, path)
            KAFKA_CERTIFICATE_EXPIRY.labels(certificate).set(expires_at.timestamp())
