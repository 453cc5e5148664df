"""Whose tokens have lately proved to be valid, so that what strangers send does not count against them."""

from collections import OrderedDict
from hashlib import sha256

MAX_KNOWN = 10_000


class KnownSenders:
    """Remembers, by hash, the tokens of sessions and of programs that were looked up, until they prove to be none.

    It is no proof of anything: it only says by whom a request is counted.
    """

    def __init__(self) -> None:
        self._person_ids: OrderedDict[bytes, str] = OrderedDict()

    def note(self, token: str | None, person_id: str | None) -> None:
        """Remember that `token` was looked up and is that of `person_id`; None: of nobody."""
        if not token:
            return
        key = _hashed(token)
        if person_id is None:
            self._person_ids.pop(key, None)
            return
        self._person_ids[key] = person_id
        self._person_ids.move_to_end(key)
        if len(self._person_ids) > MAX_KNOWN:
            self._person_ids.popitem(last=False)

    def person_of(self, token: str | None) -> str | None:
        """Return who had `token` when it was last looked up; None if that is not known."""
        return self._person_ids.get(_hashed(token)) if token else None


def _hashed(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
