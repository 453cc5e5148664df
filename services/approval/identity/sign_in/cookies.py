"""Our cookies: hidden from scripts, and bound to this host over TLS."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Cookies:
    """Reads and writes our cookies for the desk at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._is_secure = public_url.startswith("https:")
        address = urlsplit(public_url)
        # Browsers send a cookie to every port of its host, where another desk may run.
        own = f"countersign-{address.port}" if address.port else "countersign"
        # Browsers refuse a cookie with this prefix from another host or over plain HTTP.
        self._prefix = f"__Host-{own}" if self._is_secure else own
        self._origin = f"{address.scheme}://{address.netloc}"

    def read(self, request: Request, purpose: str) -> str | None:
        """Return the token that the browser sent for `purpose`; None without one."""
        return request.cookies.get(self.name(purpose))

    def purposes(self, request: Request, prefix: str) -> list[str]:
        """Return the purposes, `prefix` and a hexadecimal number, of the cookies sent, by custom the oldest first."""
        ours = re.compile(f"{re.escape(self.name(''))}({re.escape(prefix)}[0-9a-f]+)")
        return [found.group(1) for name in request.cookies if (found := ours.fullmatch(name))]

    def write(self, response: Response, purpose: str, token: str, life: timedelta) -> None:
        """Set the cookie for `purpose`; it is Lax, so that whoever follows a link in a mail is signed in."""
        response.set_cookie(
            self.name(purpose),
            token,
            max_age=int(life.total_seconds()),
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response, purpose: str) -> None:
        """Delete the cookie for `purpose`."""
        response.delete_cookie(self.name(purpose), path="/", secure=self._is_secure, httponly=True, samesite="lax")

    def is_from_our_pages(self, request: Request) -> bool:
        """Whether `request` is safe or came from one of our pages, by Sec-Fetch-Site or else by Origin."""
        if request.method in SAFE_METHODS:
            return True
        site = request.headers.get("sec-fetch-site")
        return site == "same-origin" if site else request.headers.get("origin") == self._origin

    def name(self, purpose: str) -> str:
        """Return the name of the cookie for `purpose`."""
        return f"{self._prefix}-{purpose}"
