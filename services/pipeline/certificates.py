"""Reads until when certificates are valid: those in PEM files, and those that servers show."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from cryptography import x509

from services.pipeline.metrics import SERVER_CERTIFICATE_EXPIRY


def expiries(path: Path) -> list[datetime]:
    """Return when each certificate in the PEM file expires; ValueError if it has none that can be read."""
    content = path.read_bytes()
    try:
        return [each.not_valid_after_utc for each in x509.load_pem_x509_certificates(content)]
    except ValueError as error:
        raise ValueError(f"{path} has no certificate in PEM format that can be read: {error}") from error


def identity_expiry(path: Path) -> datetime:
    """Return until when the certificate with its chain in `path` identifies us: until the first of them expires."""
    return min(expiries(path))


def trust_expiry(path: Path) -> datetime:
    """Return until when the CAs in `path` are good for anything: old ones may stand beside their successors."""
    return max(expiries(path))


def show_server_certificate(server: str, expires_at: datetime | None) -> None:
    """Set the metric of `server`, MAIL_SERVER or SIGN_IN_PROVIDER; without a certificate, it stays as it is."""
    if expires_at is not None:
        SERVER_CERTIFICATE_EXPIRY.labels(server).set(expires_at.timestamp())


def shown_expiry(connection: Any) -> datetime | None:
    """Return until when the certificate is valid that the server of an `ssl.SSLObject` has shown; None without one."""
    shown = connection.getpeercert() if connection else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC) if shown else None


def expiry_shown_with(response: httpx2.Response) -> datetime | None:
    """Return until when the certificate is valid that the server has shown before it answered; None without TLS."""
    stream = response.extensions.get("network_stream")
    return shown_expiry(stream.get_extra_info("ssl_object") if stream else None)
