"""The only package that talks to Kafka, through librdkafka's synchronous clients: consumer, producer, topics, reader.

All calls of a consumer happen in that consumer's own thread, so callbacks, pauses and seeks need no locks; the rest of
the program sees coroutines only.
"""

from services.pipeline.broker.brokers import Brokers
from services.pipeline.broker.consumer import BatchConsumer
from services.pipeline.broker.producer import EventProducer
from services.pipeline.broker.reader import TopicReader
from services.pipeline.broker.tails import Tail, Tails, without_kafka
from services.pipeline.broker.topic_configs import (
    TopicFindings,
    correct_settings,
    find_wrong_settings,
    find_wrong_settings_apart,
)
from services.pipeline.broker.topics import create_topics, wait_for_broker
from services.pipeline.broker.watch import BrokerWatch

__all__ = [
    "BatchConsumer",
    "BrokerWatch",
    "Brokers",
    "EventProducer",
    "Tail",
    "Tails",
    "TopicFindings",
    "TopicReader",
    "correct_settings",
    "create_topics",
    "find_wrong_settings",
    "find_wrong_settings_apart",
    "wait_for_broker",
    "without_kafka",
]
