"""Refuses JSON with very many members or lists: small ones to send, but large ones to read, check and tell of."""

import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_MEMBERS = 3_000
"""Fifty answers have some six hundred; a text may look like more, since its quotes and brackets are counted as well."""
_MEMBER = re.compile(rb'"[ \t\r\n]*:|[\[{]')


class FewMembers:
    """Ends a body below `prefix` where it has more than MAX_MEMBERS, as the HTTPException that its reader gets."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with a body that is counted as it is read."""
        is_ours = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await self._app(scope, _counted(receive) if is_ours else receive, send)


def _counted(receive: Receive) -> Receive:
    members = 0

    async def receive_some() -> Message:
        nonlocal members
        message = await receive()
        members += sum(1 for _ in _MEMBER.finditer(message.get("body", b"")))
        if members > MAX_MEMBERS:
            sentence = f"The request has more than {MAX_MEMBERS:,} members and lists. Nothing of it was used."
            raise HTTPException(HTTPStatus.BAD_REQUEST, sentence, {"connection": "close"})
        return message

    return receive_some
