"""Conformance: the lists of vendors, items and jobs are read part by part to their end, and nothing odd is a part."""

import pytest

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import Bench, on_bench
from services.exporter.connector_tests.dialect import Dialect, Reply
from services.exporter.connector_tests.expectations import expect, expect_answer, shown
from services.exporter.connector_tests.not_passed_on import UNCLEAR
from services.exporter.connector_tests.odd_answers import ERROR_BODIES, ODD_BODIES
from services.exporter.connector_tests.pull_dialect import brought
from services.exporter.connector_tests.pulled_attempts import EVERY_CALL, ODD_TEXTS, books_of, client_of, dialect_of
from services.exporter.connectors.pull import ListEntry, ListPage, Question
from services.exporter.connectors.types import Refused, Transient

LISTS = ("vendor", "item", "job")
MANY_ENTRIES = 1_203
MAX_PARTS = MANY_ENTRIES + 1
_NAMES = ("Acme", "Größe & Söhne <1>", "Port Authority:Pier 7", "03-300", 'The "Best"')
NO_PARTS = ODD_BODIES | ERROR_BODIES | ODD_TEXTS


def entries(many: int) -> list[ListEntry]:
    """Return `many` entries with ids and names of their own, some of them inactive."""
    return [
        ListEntry(f"{0x80000001 + place:X}-1700000000", f"{_NAMES[place % len(_NAMES)]} {place}", place % 7 != 0)
        for place in range(many)
    ]


def question_for(bench: Bench, name: str, page: str | None) -> Question:
    """Return the question for a part of a list, which is the same each time and writes nothing."""
    first, again = (dialect_of(bench).pull_connector().list_question(name, page) for _ in range(2))
    expect(first == again, f"The question for the list {name} is another one each time.")
    expect(not first.is_write, f"The question for the list {name} has a message set id, as a write has.")
    return first


async def part_of(bench: Bench, name: str, page: str | None = None) -> ListPage | Refused | Transient:
    """Ask for a part of a list, and return what the connector reads."""
    reply = await client_of(bench).pass_on(question_for(bench, name, page))
    try:
        part = dialect_of(bench).pull_connector().list_page(name, reply)
    except Exception as error:
        raise AssertionError(f"list_page raised {type(error).__name__}: {error}. A connector reports it.") from error
    is_answer = isinstance(part, (ListPage, Refused, Transient))
    expect(is_answer, f"list_page answered {shown(part)}, which is no answer to it.")
    return part


async def whole(bench: Bench, name: str) -> list[ListEntry]:
    """Read a list to its end."""
    read: list[ListEntry] = []
    page: str | None = None
    for _ in range(MAX_PARTS):
        part = expect_answer(await part_of(bench, name, page), ListPage, "the ERP has answered")
        expect(part.remaining >= 0, f"{part.remaining} entries are said to follow.")
        read += part.entries
        if part.next_page is None:
            return read
        page = part.next_page
    raise AssertionError(f"The list {name} did not end after {MAX_PARTS} parts.")


class ListTests:
    """An ERP with lists, long ones and none."""

    dialect: Dialect

    @on_bench()
    async def test_the_lists_are_those_that_the_desk_knows(self, bench: Bench) -> None:
        """The desk looks a commitment's vendor, items and job up in them."""
        names = dialect_of(bench).pull_connector().lists
        expect(len({*names}) == len(names), f"A list comes twice: {names}.")
        expect({*names} <= {*LISTS}, f"Only {', '.join(LISTS)} are lists: {names}.")

    @on_bench()
    async def test_a_list_is_read_part_by_part_to_its_end(self, bench: Bench) -> None:
        """An entry that is left out would be one that the ERP does not have."""
        for name in dialect_of(bench).pull_connector().lists:
            books_of(bench).lists[name] = entries(MANY_ENTRIES)
            read = await whole(bench, name)
            missing = [each for each in entries(MANY_ENTRIES) if each not in read]
            expect(not missing, f"{len(missing)} entries of the list {name} are missing: {shown(missing[:3])}.")
            expect(len(read) == MANY_ENTRIES, f"The list {name} has {MANY_ENTRIES} entries, not {len(read)}.")

    @on_bench()
    async def test_an_empty_list_ends_at_once(self, bench: Bench) -> None:
        """An ERP without jobs has a list of none."""
        for name in dialect_of(bench).pull_connector().lists:
            part = expect_answer(await part_of(bench, name), ListPage, "the ERP has answered")
            expect((part.entries, part.next_page) == ((), None), f"The list {name} is empty, not {shown(part)}.")

    @pytest.mark.parametrize("body", sorted(NO_PARTS))
    @on_bench()
    async def test_an_odd_answer_is_no_part_of_a_list(self, bench: Bench, body: str) -> None:
        """An empty list in its place would remove every entry that is known."""
        bench.server.hit(faults.replying(Reply(NO_PARTS[body], headers={})), *EVERY_CALL)
        if NO_PARTS[body] in self.dialect.sound_bodies:
            return
        for name in dialect_of(bench).pull_connector().lists:
            expect_answer(await part_of(bench, name), (Refused, Transient), "the answer is no part of a list")

    @on_bench()
    async def test_a_list_that_was_not_asked_for_has_no_part(self, bench: Bench) -> None:
        """Whatever kept the client from passing the question on."""
        dialect = dialect_of(bench)
        replies = (*map(brought, (*dialect.not_reached, *dialect.not_taken, *UNCLEAR)),)
        for reply in (*replies, *(Reply(each, headers={}) for each in self.dialect.own_errors)):
            bench.server.hit(faults.replying(reply), *EVERY_CALL)
            for name in dialect.pull_connector().lists:
                expect_answer(await part_of(bench, name), (Refused, Transient), f"the answer was {shown(reply)}")
