"""A polled connection that is renamed still belongs to its company file."""

from services.exporter.connections import Connection, Connections
from services.exporter.presence import Presence
from services.exporter.storage import pollers
from tests.integration.exporter.exporter_process import ExporterProcess
from tests.integration.exporter.polling.client import Client
from tests.integration.exporter.polling.ledger import Ledger
from tests.unit.exporter.builders import accepted_event

OTHER_FILE = r"C:\Books\Other.QBW"


async def test_after_it_was_renamed_another_company_file_still_gets_nothing(polled: ExporterProcess) -> None:
    ledger = Ledger()
    await Client(polled.conversations, ledger).poll()
    main = polled.connections.by_name["main"]
    settings = main.settings.model_copy(update={"name": "books", "formerly": ("main",)})
    connections = Connections({"books": Connection(settings, main.connector)})
    renamed = ExporterProcess(polled.database, connections, polled.erp, polled.clock)
    presence = Presence(polled.database, connections, polled.clock)

    await presence.renew()
    await renamed.consume(accepted_event())
    polled.clock.advance(300)
    await Client(renamed.conversations, ledger, connection="books", company_file=OTHER_FILE).poll()
    assert ledger.created == {}

    async with polled.database.begin() as db:
        await pollers.note(db, "books", company_file=None)  # as an operator does
    await presence.renew()
    await Client(renamed.conversations, ledger, connection="books", company_file=OTHER_FILE).poll()
    assert ledger.created == {"c-1": 1}
