"""Refuses requests whose first lines are too long or too many, before anything of them is read."""

import re

import h11

MAX_HEAD_BYTES = 32_768
"""Of the first line and all headers together. Bearer tokens that list a person's groups take a third of it."""
MAX_HEAD_LINES = 100
"""Each line costs as much as kilobytes of a long one: sixty thousand in one packet would hold up everybody."""
MAX_FIRST_LINE_BYTES = 8_192
_BLANK_LINE = re.compile(rb"\n\r?\n")


class SmallHeads(h11.Connection):
    """A connection that reads no large head; RemoteProtocolError instead of the event that it would be."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what happens next."""
        if self.their_state is h11.IDLE:
            received, _ = self.trailing_data
            if is_too_large(received):
                raise h11.RemoteProtocolError("too large a head of a request", error_status_hint=431)
        return super().next_event()


def is_too_large(received: bytes) -> bool:
    """Whether `received`, the beginning of a request or all of it, has a head that is larger than we read."""
    head = received[: MAX_HEAD_BYTES + 1]
    if blank := _BLANK_LINE.search(head):
        head = head[: blank.start()]
    first_line, *_ = head.split(b"\n", 1)
    return len(head) > MAX_HEAD_BYTES or len(first_line) > MAX_FIRST_LINE_BYTES or head.count(b"\n") >= MAX_HEAD_LINES
