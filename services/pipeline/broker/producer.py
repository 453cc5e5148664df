"""One idempotent producer in a poll thread of its own, which answers asyncio once per batch."""

import asyncio
import threading
from collections.abc import Callable, Sequence

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
    """One idempotent producer; a batch of messages is sent at once and answered when each one is settled."""

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
        """Send (topic, key, value) messages; the answer holds, in the same order, None for each acknowledged one.

        A message with an error may or may not be on the topic. Nothing is sent twice by this call.
        """
        if not messages:
            return []
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        errors: list[DeliveryError | None] = [None] * len(messages)
        waiting = _Countdown(len(messages), lambda: loop.call_soon_threadsafe(_end, done))
        for place, (topic, key, value) in enumerate(messages):
            self._produce(topic, key, value, place, errors, waiting)
        await done
        self._renew_if_fatal()
        return errors

    def _produce(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        place: int,
        errors: list[DeliveryError | None],
        waiting: "_Countdown",
    ) -> None:
        def settled(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                errors[place] = self._noted(error)
            waiting.count_down()

        headers: list[tuple[str, str | bytes | None]] = [] if value is None else [("content-type", CONTENT_TYPE)]
        try:
            self._producer.produce(topic, value, key, on_delivery=settled, headers=headers)
        except KafkaException as error:
            errors[place] = self._noted(error.args[0])
            waiting.count_down()
        except BufferError as error:
            errors[place] = DeliveryError(str(error))
            waiting.count_down()

    def _noted(self, error: KafkaError) -> DeliveryError:
        if error.fatal():
            self._fatal_error = error.str()
        return DeliveryError(error.str())

    def _renew_if_fatal(self) -> None:
        """Replace a producer that has met a fatal error, which it never recovers from by itself."""
        if self._fatal_error:
            log.error("producer.renewed", error=self._fatal_error)
            self._fatal_error = ""
            self._producer = Producer(self._config, logger=LIBRDKAFKA_LOG)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(POLL_SECONDS)

    def close(self) -> None:
        """Drop what is under way, for nobody waits for its answer any more, and end the thread."""
        self._producer.purge()
        self._producer.flush(CLOSE_SECONDS)
        self._closing.set()
        self._thread.join()
        self._producer.close()


def _end(done: "asyncio.Future[None]") -> None:
    if not done.done():  # a sender that was cancelled no longer waits
        done.set_result(None)


class _Countdown:
    """Calls `at_zero` once `count` things are done; used by librdkafka's callbacks in one thread and our sends."""

    def __init__(self, count: int, at_zero: Callable[[], object]) -> None:
        self._count = count
        self._at_zero = at_zero
        self._lock = threading.Lock()

    def count_down(self) -> None:
        with self._lock:
            self._count -= 1
            is_zero = self._count == 0
        if is_zero:
            self._at_zero()
