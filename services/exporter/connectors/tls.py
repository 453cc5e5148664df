"""How a connection trusts an ERP over TLS and identifies itself there: a private CA, a client certificate."""

import os
import ssl
from functools import cache
from pathlib import Path
from typing import Self

import httpx2
from pydantic import Field, model_validator

from services.exporter.connectors.protocol import ConnectionSettings
from services.pipeline.errors import SettingsError


class TlsSettings(ConnectionSettings):
    """A connection to an ERP that may use TLS."""

    ca_file: Path | None = Field(
        default=None, description="PEM file with the CAs of the ERP's certificate, instead of the system's."
    )
    client_certificate_file: Path | None = Field(
        default=None, description="PEM file with the certificate, and its chain, by which we identify ourselves."
    )
    client_key_file: Path | None = Field(
        default=None, description="PEM file with the certificate's key; absent if it is in the certificate's file."
    )
    client_key_password_file: Path | None = Field(
        default=None, description="The file that holds the password of an encrypted key."
    )

    @model_validator(mode="after")
    def _has_a_certificate_for_its_key(self) -> Self:
        if self.client_certificate_file is None and (self.client_key_file or self.client_key_password_file):
            raise ValueError("give client_certificate_file as well")
        return self


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return how calls of this connection use TLS; SettingsError names the member whose file cannot be used.

    Without `ca_file`, the system's CAs are trusted, or those that SSL_CERT_FILE or SSL_CERT_DIR names.
    """
    if settings.ca_file is None and settings.client_certificate_file is None:
        return _of_all(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    context = _trusting(settings.ca_file)
    if settings.client_certificate_file is not None:
        _identify(context, settings, settings.client_certificate_file)
    return context


@cache
def _of_all(*_named: str | None) -> ssl.SSLContext:
    """Return the context that connections without files of their own share: a system's CAs take a megabyte."""
    return _trusting(None)


def read_cas_again() -> None:
    """Let the connections that are made from now on trust the CAs that the system has by then."""
    _of_all.cache_clear()


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        try:
            return httpx2.create_ssl_context()
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be used: {error}") from error
    _read("ca_file", ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise SettingsError(f"ca_file: {ca_file} contains no certificate in PEM format.") from error


def _identify(context: ssl.SSLContext, settings: TlsSettings, certificate_file: Path) -> None:
    _read("client_certificate_file", certificate_file)
    if settings.client_key_file is not None:
        _read("client_key_file", settings.client_key_file)
    password_file = settings.client_key_password_file
    password = _read("client_key_password_file", password_file).strip() if password_file else b""
    try:
        # always with a password, or OpenSSL would ask for one at the terminal
        context.load_cert_chain(certificate_file, settings.client_key_file, password=lambda: password)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(_why_unusable(settings, error)) from error


def _why_unusable(settings: TlsSettings, error: Exception) -> str:
    name = "client_key_file" if settings.client_key_file else "client_certificate_file"
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return f"{name}: the key is not that of the certificate in {settings.client_certificate_file}."
    return (
        f"{name}: the certificate and its key cannot be used ({getattr(error, 'reason', None) or error}); they are PEM "
        "files, and client_key_password_file holds the password of an encrypted key."
    )


def _read(member: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{member}: {path} cannot be read: {error.strerror}.") from error
