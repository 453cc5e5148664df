"""Sends messages with an idempotent producer, and reports to asyncio once per group of messages."""

import asyncio
import threading
from collections.abc import Sequence

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.envelope import CONTENT_TYPE
from schemas.limits import MAX_MESSAGE_BYTES
from services.pipeline.broker.messages import LIBRDKAFKA_LOG
from services.pipeline.errors import DeliveryError
from services.pipeline.settings import KafkaSettings

POLL_SECONDS = 0.1
DELIVERY_TIMEOUT_SECONDS = 10
CLOSE_SECONDS = 1.0
_ENVELOPE_BYTES = 4096

log = structlog.get_logger()


class EventProducer:
    """An idempotent producer, polled in a thread of its own."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._config = settings.client_config() | {
            "client.id": client_id,
            "enable.idempotence": True,
            "acks": "all",
            "delivery.timeout.ms": DELIVERY_TIMEOUT_SECONDS * 1000,
            "request.timeout.ms": DELIVERY_TIMEOUT_SECONDS * 500,
            "linger.ms": 1,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "message.max.bytes": MAX_MESSAGE_BYTES + _ENVELOPE_BYTES,
        }
        self._producer = Producer(self._config, logger=LIBRDKAFKA_LOG)
        self._fatal_error = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._thread.start()

    async def send(self, messages: Sequence[tuple[str, str, bytes | None]]) -> list[DeliveryError | None]:
        """Send (topic, key, value) messages; return for each, in the same order, its error or None if acknowledged.

        A message with an error may or may not be on the topic. This call sends nothing twice.
        """
        if not messages:
            return []
        deliveries = _Deliveries(len(messages))
        for index, (topic, key, value) in enumerate(messages):
            self._produce(topic, key, value, index, deliveries)
        await deliveries.done
        self._renew_if_fatal()
        return deliveries.errors

    def _produce(self, topic: str, key: str, value: bytes | None, index: int, deliveries: "_Deliveries") -> None:
        def on_delivery(error: KafkaError | None, _: Message) -> None:
            deliveries.settle(index, None if error is None else self._noted(error))

        headers: list[tuple[str, str | bytes | None]] = [] if value is None else [("content-type", CONTENT_TYPE)]
        try:
            self._producer.produce(topic, value, key, on_delivery=on_delivery, headers=headers)
        except KafkaException as error:
            deliveries.settle(index, self._noted(error.args[0]))
        except BufferError as error:
            deliveries.settle(index, DeliveryError(str(error)))

    def _noted(self, error: KafkaError) -> DeliveryError:
        if error.fatal():
            self._fatal_error = error.str()
        return DeliveryError(error.str())

    def _renew_if_fatal(self) -> None:
        """Replace a producer that has had a fatal error, from which librdkafka never recovers."""
        if self._fatal_error:
            log.error("producer.renewed", error=self._fatal_error)
            self._fatal_error = ""
            self._producer = Producer(self._config, logger=LIBRDKAFKA_LOG)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(POLL_SECONDS)

    def close(self) -> None:
        """Drop messages in flight, whose delivery nobody awaits any more, and end the thread. Blocks."""
        self._producer.purge()
        self._producer.flush(CLOSE_SECONDS)
        self._closing.set()
        self._thread.join()
        self._producer.close()


class _Deliveries:
    """The errors of messages that are sent together; `done` is resolved in the event loop once each has an outcome."""

    def __init__(self, count: int) -> None:
        self.errors: list[DeliveryError | None] = [None] * count
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._open = count
        self._lock = threading.Lock()

    def settle(self, index: int, error: DeliveryError | None) -> None:
        """Record the outcome of one message, in any thread."""
        with self._lock:
            self.errors[index] = error
            self._open -= 1
            is_last = self._open == 0
        if is_last:
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():  # a cancelled sender no longer waits
            self.done.set_result(None)
