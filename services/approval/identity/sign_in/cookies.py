"""What the browser holds: cookies that only our own pages over TLS can set and send, where TLS is used."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Cookies:
    """Reads and writes our cookies for the desk at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._is_secure = public_url.startswith("https:")
        # The prefix makes browsers refuse the cookie from a neighbouring host and over plain HTTP.
        self._prefix = "__Host-countersign" if self._is_secure else "countersign"
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(public_url))

    def read(self, request: Request, purpose: str) -> str | None:
        """Return the token that the browser holds for `purpose`."""
        return request.cookies.get(self.name(purpose))

    def write(self, response: Response, purpose: str, token: str, life: timedelta) -> None:
        """Let the browser hold `token` for `purpose`; Lax, since a link in a mail must find its reader signed in."""
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
        """Let the browser forget the token."""
        response.delete_cookie(self.name(purpose), path="/", secure=self._is_secure, httponly=True, samesite="lax")

    def is_from_our_pages(self, request: Request) -> bool:
        """Whether `request` changes nothing, or came from a page of ours: by Sec-Fetch-Site, else by Origin."""
        if request.method in SAFE_METHODS:
            return True
        site = request.headers.get("sec-fetch-site")
        return site == "same-origin" if site else request.headers.get("origin") == self._origin

    def name(self, purpose: str) -> str:
        """Return the name of the cookie for `purpose`."""
        return f"{self._prefix}-{purpose}"
