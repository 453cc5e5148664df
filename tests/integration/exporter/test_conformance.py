"""Our own connectors pass the tests that every connector has to pass."""

from services.exporter.connector_tests import HttpConnectorTests
from services.exporter.connector_tests.round_trips import RoundTripTests
from tests.integration.exporter.http_dialect import HttpContract


class TestHttp(HttpConnectorTests):
    dialect = HttpContract()


class TestHttpWhereTheErpEnforcesTheReference(RoundTripTests):
    dialect = HttpContract(enforces_reference=True)
