"""What a connector under test finds in the process around it: no proxies, and one private CA."""

import atexit
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import trustme

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_FOREIGN_PATHS = ("SSL_CERT_DIR",)


@contextmanager
def surroundings() -> Iterator[None]:
    """Change the environment for a while.

    A proxy would be tested instead of the connector, and reading a system's CAs takes longer than most tests.
    """
    kept = dict(os.environ)
    for name in [each for each in kept if each.lower() in _PROXIES or each in _FOREIGN_PATHS]:
        del os.environ[name]
    os.environ["SSL_CERT_FILE"] = str(_ca_file())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def trusted_certificate(host: str) -> ssl.SSLContext:
    """Return a server's side of TLS with a certificate for `host` that the connector trusts."""
    return _server_context(_trusted_ca(), host)


def impostors_certificate(host: str) -> ssl.SSLContext:
    """Return a server's side of TLS with a certificate for `host` of a CA that nobody knows."""
    return _server_context(trustme.CA(), host)


def _server_context(ca: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(host).configure_cert(context)
    return context


@cache
def _trusted_ca() -> trustme.CA:
    return trustme.CA()


@cache
def _ca_file() -> Path:
    """Write the CA's certificate into a file that is removed when the process ends."""
    folder = Path(mkdtemp(prefix="connector-tests-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    path = folder / "ca.pem"
    path.write_bytes(_trusted_ca().cert_pem.bytes())
    return path
