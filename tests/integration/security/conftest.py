"""A Kafka with security on, one for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.secured_kafka import SecuredKafka, secured_kafka


@pytest.fixture(scope="module")
def secured() -> Iterator[SecuredKafka]:
    """A broker that gives every role its own rights, and no other."""
    with secured_kafka() as broker:
        yield broker
