"""Reads what services have written, and finds what must not stand there."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MEMBERS = {"timestamp", "level", "event", "service", "instance", "pid", "version"}
LEVELS = {"info", "warning", "error", "critical"}
ADDRESS = re.compile(r"[^\s\"'<>=]+@[^\s\"'<>=]+\.[a-z]+")


def lines_in(written: str) -> list[dict[str, Any]]:
    """Return the lines of a log; each has to be a JSON object with all members that every line has."""
    return [_line(text) for text in written.splitlines()]


def lines_of(logs: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the lines of all `logs`, as `lines_in` does."""
    return [line for log in logs for line in lines_in(log.read_text())]


def _line(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        raise AssertionError(f"no JSON: {text}") from None
    assert isinstance(line, dict), text
    assert line.keys() >= MEMBERS, text
    assert line["level"] in LEVELS, text
    assert line["timestamp"].endswith("Z"), text
    return line


def leaks(lines: Iterable[Mapping[str, Any]], secrets: Mapping[str, str]) -> list[str]:
    """Return which of `secrets`, or which mail address, stands in a line; as text, or as JSON writes it."""
    found = []
    for line in lines:
        written = f"{json.dumps(line, ensure_ascii=False)} {json.dumps(line)} {line.get('exception', '')}"
        names = [name for name, secret in secrets.items() if secret and secret.lower() in written.lower()]
        names += [f"the address {each}" for each in ADDRESS.findall(written)]
        found += [f"{name} in {line['service']} {line['event']}: {written[:600]}" for name in names]
    return found
