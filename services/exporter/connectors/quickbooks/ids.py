"""What an id of QuickBooks looks like: up to eight hexadecimal digits, a hyphen, and the second of its making."""

import re

MAX_MESSAGE_SET_ID_CHARACTERS = 23
"""QuickBooks refuses longer ones as 9004; its own samples say 24."""

_LIST_ID = re.compile(r"[0-9A-Fa-f]{1,8}-[0-9]{9,10}")
_TXN_ID = re.compile(r"[0-9A-Fa-f]{1,8}-[0-9]{1,10}")


def is_list_id(code: str) -> bool:
    """Whether `code` looks like the ListID of a vendor, an item or a job, such as 800000CD-1389650341."""
    return _LIST_ID.fullmatch(code) is not None


def may_be_txn_id(name: str) -> bool:
    """Whether `name` may be the TxnID of an order; a number may look like one too."""
    return _TXN_ID.fullmatch(name) is not None


def next_message_set_id(message_set_id: str) -> str:
    """Return another id for the next write of the same attempt: always the same one for the same id."""
    stem = message_set_id[: MAX_MESSAGE_SET_ID_CHARACTERS - 1]
    return f"{stem}{'2' if message_set_id != f'{stem}2' else '3'}"
