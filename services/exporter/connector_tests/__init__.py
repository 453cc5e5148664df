"""Conformance tests for connectors: what the exporter relies on, tested against a real server that misbehaves.

    from services.exporter.connector_tests import Call, HttpConnectorTests, HttpDialect

    class SapDialect(HttpDialect):      # how the ERP speaks: which request is which, and what it answers
        ...

    class TestSap(HttpConnectorTests):  # all tests; `pytest` runs them
        dialect = SapDialect()

Install `countersign[connector-tests]`. docs/connectors/writing-a-connector.md has a complete example. The names below
are stable: a later version adds tests, but does not ask for more of a dialect without saying so in the changelog.
"""

from services.exporter.connector_tests.bench import Bench, on_bench, write_request
from services.exporter.connector_tests.books import Books, Document
from services.exporter.connector_tests.dialect import Call, Dialect, HttpDialect, Reply, Request
from services.exporter.connector_tests.faulty_server import Exchange, Fault, FaultyServer, faulty_server
from services.exporter.connector_tests.optional_methods import CheckTests, ReadTests
from services.exporter.connector_tests.pull_books import PullBooks
from services.exporter.connector_tests.pull_client import PullClient
from services.exporter.connector_tests.pull_dialect import PullDialect
from services.exporter.connector_tests.suite import ConnectorTests, HttpConnectorTests, PullConnectorTests

__all__ = [
    "Bench",
    "Books",
    "Call",
    "CheckTests",
    "ConnectorTests",
    "Dialect",
    "Document",
    "Exchange",
    "Fault",
    "FaultyServer",
    "HttpConnectorTests",
    "HttpDialect",
    "PullBooks",
    "PullClient",
    "PullConnectorTests",
    "PullDialect",
    "ReadTests",
    "Reply",
    "Request",
    "faulty_server",
    "on_bench",
    "write_request",
]
