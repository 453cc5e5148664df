"""Says why an ERP could not be reached, in words that tell where to look; of its address, only host and port."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_PORTS = {"https": 443, "http": 80}


def why_unreached(error: httpx2.HTTPError, url: str) -> str:
    """Return why a call to `url` reached nobody, as the end of a sentence without its full stop."""
    host, port = host_and_port(url)
    causes = list(causes_of(error))
    if tls_error := next((each for each in causes if isinstance(each, ssl.SSLError)), None):
        return _tls_reason(tls_error, host)
    if goes_through_proxy(url):
        return f"the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names does not lead to {host}"
    if any(isinstance(each, socket.gaierror) for each in causes):
        return f"the name {host} is not known"
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return f"nothing listens on {host}, port {port}"
    if isinstance(error, httpx2.PoolTimeout):
        return "no connection was free in time, since earlier calls took too long"
    return f"{host}, port {port}, {'ended the connection at once' if was_reset(error) else 'takes no connections'}"


def host_and_port(url: str) -> tuple[str, int]:
    """Return where `url` leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def goes_through_proxy(url: str) -> bool:
    """Whether the system names a proxy for `url`; calls to this machine use none."""
    proxies, parts = getproxies(), urlsplit(url)
    host = parts.hostname or ""
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and host not in LOCAL_HOSTS and not proxy_bypass(host)


def was_reset(error: BaseException) -> bool:
    """Whether the other side was there, but ended the connection."""
    return any(isinstance(each, ConnectionResetError | BrokenPipeError) for each in causes_of(error))


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield `error`, and what it came from, also where several addresses of a host were tried."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from causes_of(each)
        error = error.__cause__ or error.__context__


def tls_words(error: ssl.SSLError) -> str:
    """Return what OpenSSL says, as words."""
    return (error.reason or "no reason given").replace("_", " ").lower()


def is_of_another_host(error: ssl.SSLCertVerificationError) -> bool:
    """Whether a certificate is sound, but not for the host that was called."""
    return "mismatch" in error.verify_message.lower()


def _tls_reason(error: ssl.SSLError, host: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS failed with {host}: {tls_words(error)}"
    if is_of_another_host(error):
        return f"the certificate is not for {host}"
    return f"the certificate of {host} is not trusted: {error.verify_message}"
