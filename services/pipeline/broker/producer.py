"""Sends messages with an idempotent producer, and reports to asyncio once per group of messages."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.envelope import CONTENT_TYPE
from schemas.limits import MAX_MESSAGE_BYTES
from services.pipeline.broker.messages import LIBRDKAFKA_LOG
from services.pipeline.errors import DeliveryError, RefusedMessageError
from services.pipeline.settings import KafkaSettings

POLL_SECONDS = 0.1
ALONE_POLL_SECONDS = 0.01
IDLE_SECONDS = 1.0
"""How often a producer with nothing on its way is asked for what librdkafka has to log."""
DELIVERY_TIMEOUT_SECONDS = 10
ALONE_TIMEOUT_SECONDS = 2
CLOSE_SECONDS = 1.0
_ENVELOPE_BYTES = 4096
_HEADERS: list[tuple[str, str | bytes | None]] = [("content-type", CONTENT_TYPE)]
_NO_HEADERS: list[tuple[str, str | bytes | None]] = []
_ALONE_CONFIG = {
    "batch.num.messages": 1,
    "delivery.timeout.ms": ALONE_TIMEOUT_SECONDS * 1000,
    "request.timeout.ms": ALONE_TIMEOUT_SECONDS * 500,
}
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
_REFUSALS = _TOO_LARGE | {
    KafkaError.INVALID_RECORD,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
    KafkaError._INVALID_ARG,  # noqa: SLF001 - its only name: a topic without a name, or with one that is too long
    KafkaError.TOPIC_EXCEPTION,
}
"""Answers that sending the same message again does not change."""

TagT = TypeVar("TagT")
Settle = Callable[[DeliveryError | None], None]
OnDelivery = Callable[[KafkaError | None, Message], None]
OutgoingMessage = tuple[str, str, bytes | None]
"""Topic, key and value; a message without a value is a tombstone."""

log = structlog.get_logger()


class EventProducer:
    """An idempotent producer, polled in a thread of its own."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._config = settings.client_config() | {
            "client.id": client_id,
            "enable.idempotence": True,
            "acks": "all",
            "delivery.timeout.ms": (DELIVERY_TIMEOUT_SECONDS - ALONE_TIMEOUT_SECONDS) * 1000,
            "request.timeout.ms": (DELIVERY_TIMEOUT_SECONDS - ALONE_TIMEOUT_SECONDS) * 500,
            "linger.ms": 1,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
            "message.max.bytes": MAX_MESSAGE_BYTES + _ENVELOPE_BYTES,
        }
        self._producer = Producer(self._config, logger=LIBRDKAFKA_LOG)
        self._alone: Producer | None = None
        self._fatal_error = ""
        self._closing = threading.Event()
        self._has_work = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._thread.start()

    def submit(self, topic: str, key: str, value: bytes | None, settle: Settle) -> None:
        """Send one message; `settle` is called in another thread with its error, or with None once acknowledged.

        A message with an error may or may not be on the topic. Nothing is sent twice.
        """
        self._produce(self._producer, (topic, key, value), partial(self._on_delivery, settle), settle)

    def _produce(self, producer: Producer, message: OutgoingMessage, on_delivery: OnDelivery, settle: Settle) -> None:
        topic, key, value = message
        headers = _NO_HEADERS if value is None else _HEADERS
        try:
            producer.produce(topic, value, key, on_delivery=on_delivery, headers=headers)
            if not self._has_work.is_set():
                self._has_work.set()
        except KafkaException as error:
            settle(self._noted(error.args[0]))
        except BufferError as error:
            settle(DeliveryError(str(error)))

    async def send(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryError | None]:
        """Send (topic, key, value) messages; return for each, in the same order, its error or None if acknowledged."""
        outcomes: Outcomes[int] = Outcomes()
        for index, (topic, key, value) in enumerate(messages):
            self.submit(topic, key, value, partial(outcomes.put, index))
        errors: dict[int, DeliveryError | None] = {}
        while len(errors) < len(messages):
            await outcomes.arrived.wait()
            errors.update(outcomes.take())
        return [errors[index] for index in range(len(messages))]

    async def is_answered(self) -> bool:
        """Whether a broker answers now."""
        try:
            await asyncio.to_thread(self._producer.list_topics, timeout=ALONE_TIMEOUT_SECONDS)
        except KafkaException:
            return False
        return True

    def _on_delivery(self, settle: Settle, error: KafkaError | None, message: Message) -> None:
        if error is not None and error.code() in _TOO_LARGE:
            self._send_alone(settle, message)
        else:
            self._on_last_delivery(settle, error, message)

    def _send_alone(self, settle: Settle, message: Message) -> None:
        """Send a message again in a request of its own: perhaps only its companions were too large."""
        if self._alone is None:
            self._alone = Producer(self._config | _ALONE_CONFIG, logger=LIBRDKAFKA_LOG)
        again = (str(message.topic()), (message.key() or b"").decode(), message.value())
        self._produce(self._alone, again, partial(self._on_last_delivery, settle), settle)

    def _on_last_delivery(self, settle: Settle, error: KafkaError | None, _: Message) -> None:
        settle(None if error is None else self._noted(error))

    def _noted(self, error: KafkaError) -> DeliveryError:
        if error.fatal():
            self._fatal_error = error.str()
            self._has_work.set()
        refuses = error.code() in _REFUSALS
        return (RefusedMessageError if refuses else DeliveryError)(error.str())

    def _poll(self) -> None:
        """Poll all the time while messages are on their way, else seldom."""
        while not self._closing.is_set():
            self._has_work.wait(IDLE_SECONDS)
            self._has_work.clear()  # before they are counted, so that a later one sets it again
            self._poll_once()
            while self._messages_on_their_way and not self._closing.is_set():
                self._poll_once()

    @property
    def _messages_on_their_way(self) -> int:
        return len(self._producer) + (0 if self._alone is None else len(self._alone))

    def _poll_once(self) -> None:
        wait_seconds = POLL_SECONDS if self._alone is None else ALONE_POLL_SECONDS
        self._producer.poll(wait_seconds if len(self._producer) else 0)
        if self._alone is not None:
            self._alone.poll(ALONE_POLL_SECONDS if len(self._alone) else 0)
        if self._fatal_error:
            self._renew()

    def _renew(self) -> None:
        """Replace a producer that has had a fatal error, from which librdkafka never recovers."""
        log.error("producer.renewed", cause=self._fatal_error)
        failed, self._producer = self._producer, Producer(self._config, logger=LIBRDKAFKA_LOG)
        self._fatal_error = ""
        alone, self._alone = self._alone, None
        for each in (failed, alone):
            if each is not None:
                each.purge()
                each.flush(CLOSE_SECONDS)

    def close(self) -> None:
        """Drop messages in flight, whose delivery nobody awaits any more, and end the thread. Blocks."""
        self._producer.purge()
        self._producer.flush(CLOSE_SECONDS)
        self._closing.set()
        self._has_work.set()
        self._thread.join()
        self._producer.close()


class Outcomes(Generic[TagT]):
    """The outcomes of messages, each with a tag of the sender's, on their way into the event loop.

    `arrived` is set when there are some. The loop is woken once for many of them, since waking it costs a system call.
    """

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._outcomes: deque[tuple[TagT, DeliveryError | None]] = deque()
        self._is_waking = False

    def put(self, tag: TagT, error: DeliveryError | None) -> None:
        """Add the outcome of one message, in any thread."""
        self._outcomes.append((tag, error))
        if not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                self._loop.call_soon_threadsafe(self.arrived.set)

    def take(self) -> list[tuple[TagT, DeliveryError | None]]:
        """Return the outcomes that have arrived."""
        self.arrived.clear()
        self._is_waking = False  # before they are taken, so that a later outcome wakes the loop again
        return [self._outcomes.popleft() for _ in range(len(self._outcomes))]
