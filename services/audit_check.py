"""Checks the exported history of a commitment offline: `python audit_check.py FILE` needs Python and nothing else.

The decisions on a commitment form a chain: each hash is made of the decision and of the hash before it. What the check
proves, and what it does not, is in docs/operations.md.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

START = "0" * 64
_MAX_INTEGER = 2**53 - 1
_USAGE_ERROR = 2
_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
"""Shown as a space."""

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0]")
"""Letters and marks by name that nobody sees."""


class UnreadableExportError(Exception):
    """The file is no export of a history; the text says why."""


@dataclass(frozen=True)
class Checked:
    """What was found: `problems` in words; the last decision; how many lines tell a decision outside the chain."""

    decisions: int
    head: str
    unprotected: int
    problems: Sequence[str]


def check_file(path: Path, head: str | None = None) -> Checked:
    """Check the export in `path`; `head` is the hash of the last decision as it was noted elsewhere."""
    try:
        exported = json.loads(path.read_bytes(), object_pairs_hook=_without_repeats)
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableExportError(f"{path} cannot be read: {error}") from error
    return check(exported, head)


def check(exported: Any, head: str | None = None) -> Checked:
    """Check an export: the document of /audit, or the list of /history, which does not say how many decisions exist."""
    document = exported if isinstance(exported, dict) else {"history": exported}
    lines = document.get("history")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise UnreadableExportError("this is no exported history: it has no list of what happened")
    chained = [line for line in lines if isinstance(line.get("chain"), dict)]
    problems = [*_order_problems(chained), *_place_problems(chained)]
    before = {"position": 0, "hash": START}
    for line in sorted(chained, key=_position):
        problems.extend(_line_problems(line, document))
        problems.extend(_link_problems(line, before))
        before = {"position": _position(line), "hash": line["chain"].get("hash")}
    problems.extend(_end_problems(before, document.get("chain"), head))
    decisions = [line for line in lines if str(line.get("kind")).startswith("decision.")]
    return Checked(len(chained), str(before["hash"]), len(decisions) - len(chained), list(dict.fromkeys(problems)))


def canonical(value: Any) -> str:
    """The RFC 8785 form of decoded JSON without fractions, which no decision has; ValueError if there is one."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(each)}" for name, each in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _MAX_INTEGER):
        raise ValueError("a number that no decision has")
    return json.dumps(value, ensure_ascii=False)


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object; a name that comes twice could show one value and prove another."""
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        raise ValueError("an object names a member twice")
    return dict(members)


def _position(line: dict[str, Any]) -> int:
    position = line["chain"].get("position")
    return position if type(position) is int else 0  # true is a number in Python, not in JSON


def _order_problems(chained: list[dict[str, Any]]) -> Iterator[str]:
    """The decisions that do not stand in their order, whichever way the file goes."""
    places = [_position(line) for line in chained]
    if places in (sorted(places), sorted(places, reverse=True)):
        return
    is_rising = places[-1] >= places[0]
    for first, second in pairwise(places):
        if (first > second) is is_rising:
            yield f"Reordered: decision {first} stands before decision {second}."


def _place_problems(chained: list[dict[str, Any]]) -> Iterator[str]:
    places = sorted(map(_position, chained))
    for before, place in zip([0, *places], places, strict=False):
        if place == before:
            yield f"Repeated: decision {place} is there more than once."
        elif place == before + 2:
            yield f"Missing: decision {before + 1}."
        elif place > before + 1:
            yield f"Missing: decisions {before + 1} to {place - 1}."


def _line_problems(line: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """What was changed in a line: the decision itself, what is said beside it, or whose it is."""
    place, told = _position(line), line["chain"].get("decision")
    data = told.get("data") if isinstance(told, dict) else None
    link = data.get("link") if isinstance(data, dict) else None
    if not isinstance(told, dict) or not isinstance(data, dict) or not isinstance(link, dict):
        yield f"Changed: what was decided as decision {place} is not there."
        return
    if link.get("position") != place:
        yield f"Reordered: what stands as decision {place} was decision {link.get('position')}."
    if _hash(link.get("previous"), told) != line["chain"].get("hash"):
        yield f"Changed: decision {place} is not what was recorded."
    said = {"kind": f"{line.get('kind')}.v1", "actor": _visible(line.get("actor")), "revision": line.get("revision")}
    decided_by = data.get("withdrawn_by") or data.get("confirmed_by") or data.get("decided_by")
    decided = {
        "kind": told.get("type"),
        "actor": _visible(decided_by.get("name")) if isinstance(decided_by, dict) else None,
        "revision": data.get("revision"),
    }
    for name in (name for name in said if said[name] != decided[name]):
        yield f"Changed: the line of decision {place} gives another {name} than the decision."
    if line.get("round") != data.get("round"):
        yield f"Changed: the line of decision {place} gives another round than the decision."
    if not _is_same_time(line.get("at"), link.get("decided_at")):
        yield f"Changed: the line of decision {place} gives another time than the decision."
    for name in ("commitment_id", "company_id"):
        if document.get(name, data.get(name)) != data.get(name):
            yield f"Foreign: decision {place} belongs to another {name.removesuffix('_id')}."
    yield from _content_problems(place, data, document.get("revisions"))


def _content_problems(place: int, data: dict[str, Any], revisions: Any) -> Iterator[str]:
    """An accepted content that is not among those that were sent; old ones may have been deleted."""
    sent = [each for each in revisions if isinstance(each, dict)] if isinstance(revisions, list) else []
    hashes = {each.get("content_hash") for each in sent if each.get("revision") == data.get("revision")}
    if "content_hash" in data and hashes and data["content_hash"] not in hashes:
        yield f"Changed: revision {data['revision']} is listed with another content than decision {place} accepted."


def _link_problems(line: dict[str, Any], before: dict[str, Any]) -> Iterator[str]:
    """Whether a decision follows the one before; where that is missing, this was said already."""
    place, told = _position(line), line["chain"].get("decision")
    data = told.get("data") if isinstance(told, dict) else None
    link = data.get("link") if isinstance(data, dict) else None
    is_next = place == before["position"] + 1
    if is_next and isinstance(link, dict) and link.get("previous") != before["hash"]:
        what = f"decision {before['position']}" if before["position"] else "the beginning"
        yield f"Broken: decision {place} does not follow {what} as it stands here."


def _end_problems(last: dict[str, Any], stated: Any, noted: str | None) -> Iterator[str]:
    """Whether the end was cut off, by what the file says, and by the hash that was noted elsewhere."""
    if isinstance(stated, dict):
        count, head = stated.get("decisions"), stated.get("head")
        if count != last["position"] or (head or START) != last["hash"]:
            yield f"Cut off: there should be {count} decisions, the last one here is {last['position']}."
    if noted is not None and noted != last["hash"]:
        yield "Cut off or changed: the last decision is not the one with the hash that you gave."


def _hash(previous: Any, told: dict[str, Any]) -> str:
    """The hash that a decision has to have; empty if it has none."""
    data = told["data"]
    protected = {name: value for name, value in data["link"].items() if name != "hash"}
    try:
        form = canonical({**told, "data": {**data, "link": protected}})
        return hashlib.sha256(f"{previous}\n{form}".encode()).hexdigest()
    except (ValueError, RecursionError):
        return ""


def _visible(name: Any) -> Any:
    """A name without hidden characters, which are not shown beside the decision."""
    if not isinstance(name, str):
        return name
    return "".join(each for each in _SPACE.sub(" ", name) if each.isprintable() and not _BLANK.match(each))


def _is_same_time(one: Any, other: Any) -> bool:
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False


def main(arguments: Sequence[str]) -> int:
    """Check the file that is named, and print what was found; the exit status is 0, 1 or 2."""
    if not 1 <= len(arguments) <= 2:  # noqa: PLR2004 - a file, and perhaps a hash
        sys.stderr.write("usage: python audit_check.py FILE [HASH-OF-THE-LAST-DECISION]\n")
        return _USAGE_ERROR
    try:
        checked = check_file(Path(arguments[0]), arguments[1] if arguments[1:] else None)
    except UnreadableExportError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(in_words(checked)) + "\n")
    return 1 if checked.problems else 0


def in_words(checked: Checked) -> Sequence[str]:
    """What was found, a sentence a line."""
    said = [*checked.problems] or ["Nothing was changed, left out, reordered or cut off."]
    counted = f"{checked.decisions} decisions in the chain; the hash of the last one is {checked.head}."
    if checked.unprotected > 0:
        said.append(f"{checked.unprotected} decisions are older than the chain, or outside it: nothing protects them.")
    return [*said, counted]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
