"""One of five services, as one would write it with confluent-kafka and psycopg: a message from a topic, through a function,
into the stage's table, and on.

    stage.py NUMBER FROM_TOPIC TO_TOPIC one|batch

`one`: a message at a time, committed in Postgres, flushed to Kafka; the offsets commit themselves. `batch`: what is there, up
to 500 messages, in one transaction and one flush; then their offsets. Either may lose or repeat when it is killed.
"""

import json, os, sys

import psycopg
from confluent_kafka import Consumer, Producer

from work import STAGES

number, source, target, mode = int(sys.argv[1]), *sys.argv[2:5]
work = STAGES[number - 1]
one = mode == "one"
brokers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
consumer = Consumer({"bootstrap.servers": brokers, "group.id": source, "auto.offset.reset": "earliest",
                     "enable.auto.commit": one, "fetch.wait.max.ms": 10})
producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0 if one else 2})
database = psycopg.connect(os.environ["DATABASE_URL"])
insert = f"insert into stage{number} (position, input, output) values (%s, %s, %s)"


def delivered(error, _):
    if error:
        print(f"not delivered: {error}", file=sys.stderr)
        os._exit(1)


def passed(value):
    message = json.loads(value)
    field, found = work(message)
    message[field] = found
    return message["numbers"][0], value.decode(), json.dumps(message)


def handle(records):
    rows = [passed(record.value()) for record in records]
    with database.cursor() as cursor:
        cursor.executemany(insert, rows)
    database.commit()
    for record, (_, _, output) in zip(records, rows):
        producer.produce(target, output, partition=record.partition(), on_delivery=delivered)
    producer.flush()
    if not one:
        consumer.commit(asynchronous=False)


consumer.subscribe([source])
while True:
    first = consumer.poll(1.0)
    # What is there already comes along; nothing is waited for.
    found = [first] + ([] if one else consumer.consume(499, 0)) if first else []
    if records := [record for record in found if not record.error()]:
        handle(records)
