"""What all queries have in common: parts of a result, iterators, and only the elements that were asked for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sandbox.quickbooks.elements import Element, name_of, parts_of
from sandbox.quickbooks.qbxml import NO_MATCH, OK, Answer, Status, texts_of
from sandbox.quickbooks.wording import NO_ITERATOR, required_is_missing

_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "StartsWith": str.startswith,
    "Contains": str.__contains__,
    "EndsWith": str.endswith,
}


class Iterators:
    """The results that are read part by part; they are gone when the conversation with QuickBooks ends."""

    def __init__(self) -> None:
        self._rest: dict[str, list[Element]] = {}

    def clear(self) -> None:
        """Forget every result."""
        self._rest.clear()

    def answer(self, request: Element, find: Callable[[], Sequence[Element]], missing: Status | None = None) -> Answer:
        """Return the part of the result that `request` asks for; `missing` is said of what was named and not found."""
        limit = int(request.findtext("MaxReturned") or 0)
        match request.get("iterator"):
            case None:
                found = list(find())
                return _answer(request, found[:limit] if limit else found, missing)
            case "Start":
                name = f"{{{uuid4()}}}"
                self._rest[name] = list(find())
            case "Stop":
                self._rest.pop(request.get("iteratorID", ""), None)
                return Answer(OK)
            case _:
                name = request.get("iteratorID", "")
        if name not in self._rest:
            return Answer(NO_ITERATOR)
        if not limit:
            return Answer(required_is_missing("an iterator needs MaxReturned"))
        return self._next_part(request, name, limit)

    def _next_part(self, request: Element, name: str, limit: int) -> Answer:
        part, rest = self._rest[name][:limit], self._rest[name][limit:]
        self._rest[name] = rest
        if not rest:
            del self._rest[name]
        answer = _answer(request, part, None)
        return Answer(answer.status, answer.returned, {"iteratorRemainingCount": str(len(rest)), "iteratorID": name})


def _answer(request: Element, found: Sequence[Element], missing: Status | None) -> Answer:
    if not found:
        return Answer(missing or NO_MATCH)
    names = texts_of(request, "IncludeRetElement")
    return Answer(missing or OK, tuple(only(each, names) for each in found))


def only(element: Element, names: Sequence[str]) -> Element:
    """Return `element` with the parts of these names only; whole if there are none."""
    if names:
        for part in parts_of(element):
            if name_of(part) not in names:
                element.remove(part)
    return element


def name_matches(criterion: Element | None, part: str, value: str) -> bool:
    """Whether `value` is what a NameFilter or a RefNumberFilter asks for, whatever its case."""
    if criterion is None:
        return True
    wanted = (criterion.findtext(part) or "").lower()
    return _MATCHES[criterion.findtext("MatchCriterion") or "Contains"](value.lower(), wanted)


def is_within(first: str | None, last: str | None, at: datetime) -> bool:
    """Whether `at` is not before `first` and not after `last`; a time without an offset is taken as UTC."""
    return not (first and at < _moment(first)) and not (last and at > _moment(last))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """A time as QuickBooks writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
