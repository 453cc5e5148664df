"""Who may sign in: the Web Connector of each pull connection, by its user name and the hash of its password."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter

from services.exporter.connections import Connection, Connections
from services.exporter.connectors.client_password import MAX_PASSWORD_CHARACTERS, is_password
from services.exporter.connectors.pull import PullSettings
from services.pipeline.minute_counts import MinuteCounts
from services.pipeline.networks import network_of
from services.pipeline.seldom import Seldom

WRONG_FROM_ONE_NETWORK = 10
WRONG_FOR_ONE_USER = 30
"""Both in a minute. The second counts only networks from which this user has not signed in lately."""
COMPARED_AT_ONCE = 2
REMEMBERED_SIGN_INS = 1_000
MAX_USER_CHARACTERS = 200

_WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a reason
log = structlog.get_logger()


async def _ignore(_connection: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _User:
    connection: str
    hashed_password: str


class SignIns:
    """Compares passwords, and counts the wrong ones in this process.

    Whoever tries passwords is refused without a comparison after some of them. The right password still works
    meanwhile from any other network; and once many networks try passwords for one user, from where it worked before.
    `on_wrong_password` gets the connection of each password that was compared and was wrong.
    """

    def __init__(self, connections: Connections, on_wrong_password: Callable[[str], Awaitable[None]] = _ignore) -> None:
        self._connections = connections
        self._on_wrong_password = on_wrong_password
        self._comparing = asyncio.Semaphore(COMPARED_AT_ONCE)
        self._limiter = FixedWindowRateLimiter(MinuteCounts())
        self._of_network = RateLimitItemPerMinute(WRONG_FROM_ONE_NETWORK, namespace="wrong-from-network")
        self._of_user = RateLimitItemPerMinute(WRONG_FOR_ONE_USER, namespace="wrong-for-user")
        self._signed_in: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._seldom = Seldom()

    async def connection_of(self, user: str, password: str, address: str) -> str | None:
        """Return the name of the connection that `user` may speak for; None if the sign-in is refused."""
        users, network = _users(self._connections.by_name.values()), network_of(address)
        known = users.get(user)
        async with self._comparing:
            reason = await self._why_not_compared(user, network)
            if reason is None and await _is_right(users, known, password):
                self._remember(user, network)
                return known.connection if known else None
            if reason is None:
                reason = _WRONG_PASSWORD if known else "unknown_user"
                await self._count(user, network)
        self._say(known, reason)
        if known is not None and reason == _WRONG_PASSWORD:
            await self._on_wrong_password(known.connection)
        return None

    async def _why_not_compared(self, user: str, network: str) -> str | None:
        if not await self._limiter.test(self._of_network, network):
            return "too_many_from_network"
        if (user, network) in self._signed_in or await self._limiter.test(self._of_user, _key(user)):
            return None
        return "too_many_for_user"

    async def _count(self, user: str, network: str) -> None:
        await self._limiter.hit(self._of_network, network)
        if (user, network) not in self._signed_in:
            await self._limiter.hit(self._of_user, _key(user))

    def _remember(self, user: str, network: str) -> None:
        self._signed_in[user, network] = None
        self._signed_in.move_to_end((user, network))
        if len(self._signed_in) > REMEMBERED_SIGN_INS:
            self._signed_in.popitem(last=False)

    def _say(self, known: _User | None, reason: str) -> None:
        """Log a refusal, each kind at most once a minute; a user name that is not known may be a password."""
        connection = known.connection if known else None
        if (repeats := self._seldom.left_out((connection, reason))) is not None:
            log.warning("web_connector.sign_in_refused", connection=connection, reason=reason, repeats=repeats)


async def _is_right(users: Mapping[str, _User], known: _User | None, password: str) -> bool:
    """Whether `password` is that of `known`.

    For an unknown user, it is compared with that of another one, so that it takes as long, and is wrong in any case.
    """
    compared_with = known or next(iter(users.values()), None)
    if compared_with is None or len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    is_right = await asyncio.to_thread(is_password, password, compared_with.hashed_password)
    return is_right and known is not None


def _users(connections: Iterable[Connection]) -> dict[str, _User]:
    """The users of all pull connections, as they are now: a reload may have changed them."""
    return {
        each.settings.user: _User(each.name, each.token.get_secret_value())
        for each in connections
        if isinstance(each.settings, PullSettings) and each.token is not None
    }


def _key(user: str) -> str:
    return user[:MAX_USER_CHARACTERS]
