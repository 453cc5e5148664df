"""Our own connectors pass the tests that every connector has to pass."""

from services.exporter.connector_tests import CheckTests, HttpConnectorTests, PullConnectorTests, ReadTests
from services.exporter.connector_tests.round_trips import RoundTripTests
from tests.integration.exporter.http_dialect import HttpContract
from tests.integration.exporter.lambda_erp_dialect import LambdaErpDialect
from tests.integration.exporter.quickbooks_dialect import QuickBooksDialect
from tests.integration.exporter.tryton_dialect import TrytonDialect


class TestHttp(HttpConnectorTests, ReadTests, CheckTests):
    dialect = HttpContract()


class TestHttpWhereTheErpEnforcesTheReference(RoundTripTests):
    dialect = HttpContract(enforces_reference=True)


class TestLambdaErp(HttpConnectorTests, ReadTests, CheckTests):
    dialect = LambdaErpDialect()


class TestTryton(HttpConnectorTests, ReadTests, CheckTests):
    dialect = TrytonDialect()


class TestQuickBooks(PullConnectorTests, ReadTests):
    dialect = QuickBooksDialect()
