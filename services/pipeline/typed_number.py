"""Reads a number as people type it; its digits stay exactly as they were typed."""

import re
from typing import Any

_MINUS = ("-", "\u2212")
_NUMBER = re.compile(
    r"""(?P<sign>[-+\u2212]?)\s*
        (?P<whole>\d{1,3}(?:(?P<mark>[,'\u2019 \u00a0\u2009\u202f])\d{3})(?:(?P=mark)\d{3})*|\d*)
        (?:\.(?P<fraction>\d*))?""",
    re.VERBOSE | re.ASCII,
)


def plain_number(typed: Any) -> Any:
    """`typed` as a decimal string: 1,200.50, 1 200.50 and 1'200.50 are 1200.50.

    What is no such number is returned as it is. A comma before other than three digits is none: 12,5 could be both.
    """
    read = _read(typed)
    if read is None:
        return typed
    whole = "".join(digit for digit in read["whole"] if digit.isdigit()) or "0"
    fraction = f".{read['fraction']}" if read["fraction"] else ""
    sign = "-" if read["sign"] in _MINUS else ""
    return f"{sign}{whole}{fraction}"


def is_number(typed: Any) -> bool:
    """Whether it can be read as a number, however many digits it has."""
    return _read(typed) is not None


def _read(typed: Any) -> re.Match[str] | None:
    read = _NUMBER.fullmatch(typed.strip()) if isinstance(typed, str) else None
    return read if read and (read["whole"] or read["fraction"]) else None
