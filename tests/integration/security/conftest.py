"""A Kafka with security on, one for all of these tests."""

from collections.abc import Iterator

import pytest

from tests.secured_kafka import SecuredKafka, secured_kafka


@pytest.fixture(scope="session")
def secured() -> Iterator[SecuredKafka]:
    """A broker that gives every role its own rights, and no other."""
    with secured_kafka() as broker:
        yield broker
