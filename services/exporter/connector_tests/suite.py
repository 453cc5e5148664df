"""The conformance tests as classes: a connector's author derives one and says how the ERP speaks."""

from services.exporter.connector_tests.concurrency import ConcurrencyTests
from services.exporter.connector_tests.http_answers import ClothesTests, HttpStatusTests, RedirectTests
from services.exporter.connector_tests.large_answers import LargeAnswerTests
from services.exporter.connector_tests.lost_answers import DeadlineTests, LostAnswerTests
from services.exporter.connector_tests.not_passed_on import NotPassedOnTests
from services.exporter.connector_tests.not_sent import NotSentTests
from services.exporter.connector_tests.odd_answers import OddAnswerTests
from services.exporter.connector_tests.pulled_attempts import AttemptTests
from services.exporter.connector_tests.pulled_lists import ListTests
from services.exporter.connector_tests.round_trips import RoundTripTests


class ConnectorTests(
    RoundTripTests, LostAnswerTests, DeadlineTests, OddAnswerTests, LargeAnswerTests, NotSentTests, ConcurrencyTests
):
    """Everything that any connector over TCP has to pass."""


class HttpConnectorTests(ConnectorTests, HttpStatusTests, RedirectTests, ClothesTests):
    """Everything that a connector over HTTP has to pass; its dialect is an HttpDialect."""


class PullConnectorTests(RoundTripTests, LostAnswerTests, OddAnswerTests, AttemptTests, NotPassedOnTests, ListTests):
    """Everything that a pull connector has to pass; its dialect is a PullDialect."""
