"""Reads until when the certificates in PEM files are valid."""

from datetime import datetime
from pathlib import Path

from cryptography import x509


def expiries(path: Path) -> list[datetime]:
    """Return when each certificate in the PEM file ends to be valid; ValueError if it has none that can be read."""
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
