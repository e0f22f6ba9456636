"""The five services of `stage.py`, measured as `benches/numbers` measures Millrace: the same messages, broker and Postgres.

    bench.py one|batch

`BENCH_MESSAGES` wait in the first topic before the services begin (for `one` a tenth of them): from the first row stored until
the last message is out. Then `BENCH_RATE` a second for `BENCH_SECONDS` after 5 s that do not count, or 7 of 10 of what they can
do when that is less: from produce() until a reader of the last topic has the message.
"""

import json, os, pathlib, subprocess, sys, threading, time, uuid
from urllib.parse import urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common
import confluent_kafka, psycopg
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

MODE = sys.argv[1]
SERVER, PARTITIONS, FIRST, WARM_UP = os.environ["DATABASE_URL"], 4, 76_452, 5
VERSIONS = {"confluent-kafka": confluent_kafka.__version__, "psycopg": psycopg.__version__}
setting = lambda name, default: int(os.environ.get(name) or default)


class Place:
    """Topics and a database of its own; both go with it."""

    def __enter__(self):
        name = f"bench_{uuid.uuid4().hex}"
        self.name, self.topics = name, [f"{name}-{topic}" for topic in ("start", "stage1", "stage2", "stage3", "stage4", "finish")]
        for topic in self.topics:
            common.create_topic(topic, PARTITIONS)
        self.server = psycopg.connect(SERVER, autocommit=True)
        for what in ("fsync", "synchronous_commit", "full_page_writes"):
            assert self.server.execute(f"show {what}").fetchone()[0] == "on", what
        self.server.execute(f"create database {name}")
        self.url = urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        self.database = psycopg.connect(self.url, autocommit=True)
        for stage in range(1, 6):
            self.database.execute(f"create table stage{stage} (position bigint, input text not null, output text not null, at timestamptz not null default now())")
        self.processes, self.finish = [], Finish(self.topics[-1])
        return self

    def start(self):
        env = os.environ | {"DATABASE_URL": self.url}
        command = [sys.executable, str(common.HERE / "stages" / "stage.py")]
        self.processes = [subprocess.Popen([*command, str(i + 1), *self.topics[i:i + 2], MODE], env=env) for i in range(5)]

    def wait_for(self, count, seconds):
        def all_out():
            ended = [process.args[2] for process in self.processes if process.poll() is not None]
            assert not ended, f"services {ended} have ended"
            return len(self.finish.at) >= count
        until = time.time() + seconds
        while not all_out():
            assert time.time() < until, f"{len(self.finish.at)} of {count} messages after {seconds} s"
            time.sleep(0.05)

    def check(self, count):
        """Every table and the last topic hold exactly so many."""
        held = [self.database.execute(f"select count(*), count(distinct position) from stage{stage}").fetchone() for stage in range(1, 6)]
        assert held == [(count, count)] * 5 and self.finish.records == len(self.finish.at) == count, (held, self.finish.records)

    def __exit__(self, *_):
        for process in self.processes:
            common.stop(process)
        self.finish.stop()
        self.database.close()
        self.server.execute(f"drop database {self.name} with (force)")
        self.server.close()
        admin = AdminClient({"bootstrap.servers": common.BOOTSTRAP})
        for deleted in admin.delete_topics(self.topics).values():
            deleted.result()


class Finish(threading.Thread):
    """When each message came out, by its first number."""

    def __init__(self, topic):
        super().__init__(daemon=True)
        self.at, self.records, self.done = {}, 0, threading.Event()
        self.consumer = Consumer({"bootstrap.servers": common.BOOTSTRAP, "group.id": topic, "enable.auto.commit": False})
        self.consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        self.start()

    def run(self):
        while not self.done.is_set():
            for record in self.consumer.consume(500, 0.005):
                if not record.error():
                    self.records += 1
                    self.at.setdefault(json.loads(record.value())["numbers"][0] - FIRST, time.time())
        self.consumer.close()

    def stop(self):
        self.done.set()
        self.join()


def produce(producer, topic, position):
    value = json.dumps({"numbers": [FIRST + position, 61211234, 8243724]})
    while True:
        try:
            producer.produce(topic, value, partition=position % PARTITIONS)
            return producer.poll(0)
        except BufferError:
            producer.poll(0.05)


def drain(count):
    with Place() as place:
        producer = Producer({"bootstrap.servers": common.BOOTSTRAP, "linger.ms": 50})
        for position in range(count):
            produce(producer, place.topics[0], position)
        producer.flush()
        store = common.Usage(*postgres())
        place.start()
        usage = common.Usage(*(process.pid for process in place.processes))
        store_before = store.cpu()
        try:
            place.wait_for(count, 1200)
            cpu, store_cpu, around = usage.cpu(), store.cpu() - store_before, usage.around()
        finally:
            usage.stop()
            store.stop()
        around["others_cores"] = round(max(0, around["others_cores"] - store_cpu / (time.time() - usage.began)), 2)
        place.check(count)
        out = sorted(place.finish.at.values())
        # A row's time is that of its transaction's begin, as Millrace's first batch is that of its arrival.
        seconds = out[-1] - place.database.execute("select extract(epoch from min(at))::float8 from stage1").fetchone()[0]
        tenth, ninth = out[len(out) // 10], out[len(out) * 9 // 10]
        a_message = lambda used: round(used / count * 1e6, 1)
        common.record(f"python, {MODE}", payload="numbers", what="drain", records=count, seconds=round(seconds, 2),
                      steady_rec_s=round((len(out) * 9 // 10 - len(out) // 10) / (ninth - tenth)),
                      cpu_us={"stages": a_message(cpu), "Postgres": a_message(store_cpu), "Kafka": a_message(around["broker_cpu_s"])},
                      peak_rss_mb=round(usage.peak_rss / 1e6), rows=count, distinct=len(out), versions=VERSIONS, **around)
        return count / seconds


def postgres():
    """The processes of all servers, by their first."""
    found = []
    for cmdline in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"postgres\0-D" in cmdline.read_bytes():
                found.append(int(cmdline.parent.name))
        except OSError:
            pass
    return found


def at_rate(rate, seconds):
    with Place() as place:
        place.start()
        producer, sent = Producer({"bootstrap.servers": common.BOOTSTRAP, "linger.ms": 0}), {}
        for position in range(PARTITIONS):
            produce(producer, place.topics[0], position)
        place.wait_for(PARTITIONS, 120)
        began, total = time.time(), rate * (WARM_UP + seconds)
        for number in range(total):
            time.sleep(max(0.0, began + number / rate - time.time()))
            sent[PARTITIONS + number] = time.time()
            produce(producer, place.topics[0], PARTITIONS + number)
        producer.flush()
        place.wait_for(PARTITIONS + total, 120)
        place.check(PARTITIONS + total)
        taken = sorted((place.finish.at[position] - at) * 1000 for position, at in sent.items() if position >= PARTITIONS + rate * WARM_UP)
        part = lambda of: round(taken[min(len(taken) - 1, int(len(taken) * of))], 1)
        common.record(f"python, {MODE}", payload="numbers", what="rate", rate=rate, calls=len(taken), p50_ms=part(0.5),
                      p90_ms=part(0.9), p99_ms=part(0.99), max_ms=part(1), versions=VERSIONS)


def main():
    messages, rate, seconds = setting("BENCH_MESSAGES", 100_000), setting("BENCH_RATE", 500), setting("BENCH_SECONDS", 20)
    most = drain(messages if MODE == "batch" else max(1_000, messages // 10))
    # What they cannot hold has no latency.
    at_rate(rate if most > rate * 1.2 else int(most * 0.7), seconds)


if __name__ == "__main__":
    main()
