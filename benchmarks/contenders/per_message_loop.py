"""The loop that most people would write: poll a message, one transaction, produce without waiting, commit."""

from confluent_kafka import Consumer, Producer
from sqlalchemy import create_engine, text

from benchmarks.contenders.work import (
    REMEMBER,
    SOURCE_TOPIC,
    STATUS_TOPIC,
    UPSERT,
    Place,
    SentEvent,
    encoded_status,
    remembered,
    upserted,
)


def run(place: Place) -> None:
    """Consume one message after the other until the process is stopped."""
    engine = create_engine(place.database_url("psycopg"))
    producer = Producer({"bootstrap.servers": place.kafka, "enable.idempotence": True})
    consumer = Consumer(
        {
            "bootstrap.servers": place.kafka,
            "group.id": place.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([SOURCE_TOPIC])
    while True:
        message = consumer.poll(1)
        if message is None or message.error():
            producer.poll(0)
            continue
        value = message.value() or b""
        event = SentEvent.model_validate_json(value)
        with engine.begin() as db:
            if db.execute(text(REMEMBER), remembered(event)).rowcount:
                db.execute(text(UPSERT), upserted(event, value))
        producer.produce(STATUS_TOPIC, encoded_status(event), message.key())
        producer.poll(0)
        consumer.commit(message=message, asynchronous=True)


if __name__ == "__main__":
    run(Place.from_environment())
