"""Conformance: what the ERP's client could not pass on has stored nothing, and people read why."""

from services.exporter.connector_tests import faults
from services.exporter.connector_tests.bench import WRITES, Bench, on_bench
from services.exporter.connector_tests.dialect import Dialect
from services.exporter.connector_tests.expectations import expect, expect_answer, shown
from services.exporter.connector_tests.pull_dialect import brought
from services.exporter.connector_tests.pulled_attempts import EVERY_CALL, client_of, dialect_of
from services.exporter.connectors.pull import Question, Reply
from services.exporter.connectors.types import Refused, Transient, Unknown

UNCLEAR: tuple[Reply, ...] = (
    Reply("", "0x8FFFFFFF", "Something went wrong."),
    Reply("", "-1", ""),
    Reply("", "no code", "Something \x00 went <wrong>."),
    Reply("", "7" * 5_000, "x" * 100_000),
)
"""Failures that nobody has described: the ERP may have carried the text out before."""


class NotPassedOnTests:
    """A client that cannot reach the ERP, or cannot say what became of a text."""

    dialect: Dialect

    @on_bench()
    async def test_what_was_not_passed_on_has_stored_nothing(self, bench: Bench) -> None:
        """The same text may go again, or somebody has to look: but nobody has to search for a document."""
        dialect = dialect_of(bench)
        for reply in (*dialect.not_reached, *dialect.not_taken):
            bench.server.hit(faults.replying(brought(reply)), *WRITES)
            for call in WRITES:
                because = f"the client brought {shown(reply)}, and so the ERP has done nothing"
                answer = expect_answer(await bench.write(call), (Refused, Transient), because)
                is_reached = isinstance(answer, Transient) and answer.is_reached
                expect(reply not in dialect.not_reached or not is_reached, f"The ERP was not reached: {shown(reply)}.")

    @on_bench()
    async def test_a_search_that_was_not_passed_on_is_never_nothing(self, bench: Bench) -> None:
        """An ERP that was not asked does not say that there is none."""
        dialect = dialect_of(bench)
        for reply in (*dialect.not_reached, *dialect.not_taken, *UNCLEAR):
            bench.server.hit(faults.replying(brought(reply)), *EVERY_CALL)
            expect_answer(await bench.find(), (Refused, Transient), f"the client brought {shown(reply)}")

    @on_bench()
    async def test_a_failure_that_nobody_knows_leaves_a_write_in_doubt(self, bench: Bench) -> None:
        """A client may fail after the ERP has stored the document."""
        for reply in UNCLEAR:
            bench.server.hit(faults.replying(brought(reply)), *WRITES)
            for call in WRITES:
                expect_answer(await bench.write(call), Unknown, f"the client brought {shown(reply)}, after the write")

    @on_bench()
    async def test_why_the_erp_is_not_reached_is_said_in_words(self, bench: Bench) -> None:
        """People read it beside the commitments that wait."""
        connector = client_of(bench).new_connector()
        for reply in dialect_of(bench).not_reached:
            words = connector.unreached(reply)
            expect(words and words.strip(), f"Nothing is said of why the ERP is not reached: {shown(reply)}.")

    @on_bench()
    async def test_an_erp_that_answers_is_reached(self, bench: Bench) -> None:
        """One text that the ERP refuses, or an odd answer, is no reason to say that it is away."""
        client, dialect = client_of(bench), dialect_of(bench)
        sound = await client.pass_on(await _search(bench))
        odd = (Reply("odd"), *(Reply(each.decode()) for each in dialect.own_errors))
        for reply in (sound, *odd, *dialect.not_taken):
            words = client.new_connector().unreached(reply)
            expect(words is None, f"The ERP has answered {shown(reply)}, but the connector says: {words}")


async def _search(bench: Bench) -> Question:
    client = client_of(bench)
    await bench.find()
    return client.asked[-1]
