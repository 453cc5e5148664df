"""The address that the Web Connector gets, and Intuit's rules for it.

Source: appendix A of Intuit's "QuickBooks Web Connector Programmer's Guide" (2022): QBWC1000, 1001, 1002 and 1010.
"""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from services.pipeline.errors import SettingsError

PATH = "/quickbooks"
SUPPORT_PATH = f"{PATH}/support"


def endpoint_url(url: str) -> str:
    """Return the address of the endpoint, with PATH if `url` names only the host; SettingsError if it breaks a rule."""
    parts = _parts(url)
    host = parts.hostname or ""
    if parts.username is not None:
        raise _error(url, "has a user.")
    if parts.scheme not in ("http", "https") or not host:
        raise _error(url, "is not a complete address. Give one such as https://countersign.example.com/quickbooks.")
    if _is_ip(host):
        raise _error(url, "has an IP address, which the Web Connector refuses (QBWC1001). Give a host name.")
    if parts.scheme == "http" and host != "localhost":
        raise _error(url, "is not encrypted, and the Web Connector refuses that (QBWC1010). Give https://….")
    if parts.query or parts.fragment:
        raise _error(url, "has a query or a fragment. Leave that out.")
    return parts._replace(path=parts.path.rstrip("/") or PATH).geturl()


def support_url(endpoint: str) -> str:
    """Return the address of the page with help; its host must be that of the endpoint (QBWC1000)."""
    return f"{endpoint}/support"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise _error(url, f"is not an address: {error}.") from error
    return parts


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _error(url: str, problem: str) -> SettingsError:
    if "@" in url:  # which may follow a password
        return SettingsError("WEB_CONNECTOR_URL: the address has a user or a password. Leave that out.")
    return SettingsError(f"WEB_CONNECTOR_URL: {url} {problem}")
