"""What every peer's script shares: settings, Kafka and Iceberg handles, measuring, results."""

import json, os, pathlib, subprocess, tempfile, threading, time, urllib.request

HERE = pathlib.Path(__file__).resolve().parent
WORK = pathlib.Path(os.environ.get("WORK") or pathlib.Path(tempfile.gettempdir()) / "millrace-peers")
BOOTSTRAP = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
CONNECT_PORT = int(os.environ.get("CONNECT_PORT", 8383))
RESULTS = pathlib.Path(os.environ["BENCH_RESULTS"])
CATALOG_DB = WORK / "lake" / "catalog.db"


def warehouse():
    """A local folder: the peers are not held up by the S3 emulator."""
    return f"file://{WORK}/lake/files"


def create_topic(name, partitions):
    """An empty topic; one of that name is deleted first."""
    from confluent_kafka.admin import AdminClient, NewTopic
    client = AdminClient({"bootstrap.servers": BOOTSTRAP})
    there = lambda: client.list_topics(timeout=10).topics
    if name in there():
        client.delete_topics([name])[name].result()
    wait_for(lambda: name not in there(), 30, f"the deletion of {name}")
    # A deleted name is free again only a moment later.
    wait_for(lambda: client.create_topics([NewTopic(name, partitions, 1)])[name].result() is None, 30, f"the creation of {name}")
    wait_for(lambda: len(there()[name].partitions) == partitions, 30, name)


def topic_of(payload):
    """The topic that the drain bench has filled, and what it wrote down of it: records, bytes of their values."""
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    note = [row for row in rows if row["payload"] == payload][-1]
    return os.environ["BENCH_TOPIC"] + payload, note


def catalog():
    """One catalog for every engine: SQLite, in the layout of Iceberg's JdbcCatalog."""
    from pyiceberg.catalog.sql import SqlCatalog
    CATALOG_DB.parent.mkdir(parents=True, exist_ok=True)
    return SqlCatalog("peers", uri=f"sqlite:///{CATALOG_DB}", warehouse=warehouse())


def jdbc_catalog_options():
    """The same catalog for the Java engines."""
    return {"catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog", "uri": f"jdbc:sqlite:{CATALOG_DB}",
            "jdbc.schema-version": "V1", "warehouse": warehouse(), "io-impl": "org.apache.iceberg.hadoop.HadoopFileIO"}


def schema(payload):
    from pyiceberg.schema import Schema
    from pyiceberg.types import BooleanType, DoubleType, LongType, NestedField, StringType, StructType, TimestamptzType
    if payload == "narrow":
        columns = [("id", LongType()), ("ts", TimestamptzType()), ("user", StringType()),
                   ("kind", StringType()), ("amount", DoubleType()), ("note", StringType())]
        return Schema(*(NestedField(i + 1, n, t, required=False) for i, (n, t) in enumerate(columns)))
    person = lambda base, name: StructType(NestedField(base, "id", LongType(), required=False),
                                           NestedField(base + 1, name, StringType(), required=False))
    columns = [("id", StringType()), ("type", StringType()), ("actor", person(20, "login")), ("repo", person(30, "name")),
               ("org", person(40, "login")), ("public", BooleanType()), ("created_at", TimestamptzType()),
               ("payload", StringType())]
    return Schema(*(NestedField(i + 1, n, t, required=False) for i, (n, t) in enumerate(columns)))


def new_table(name, payload):
    """An empty table `lake.<name>`; one that is there already is dropped, its files are left."""
    cat = catalog()
    cat.create_namespace_if_not_exists("lake")
    if ("lake", name) in cat.list_tables("lake"):
        cat.drop_table(f"lake.{name}")
    location = f"{warehouse()}/{name}-{int(time.time())}"
    return cat.create_table(f"lake.{name}", schema(payload), location=location, properties={"write.parquet.compression-codec": "zstd"})


def table_snapshots(name):
    """[(commit time in s, records in the table after it)], oldest first."""
    table = catalog().load_table(f"lake.{name}")
    return [(s.timestamp_ms / 1000, int(s.summary["total-records"])) for s in table.snapshots()]


def table_check(name, key="id"):
    """Rows and distinct keys of the table: what was lost or doubled shows here."""
    import pyarrow.compute as pc
    column = catalog().load_table(f"lake.{name}").scan(selected_fields=(key,)).to_arrow()[key]
    files = list(catalog().load_table(f"lake.{name}").inspect.files()["file_size_in_bytes"].to_pylist())
    return {"rows": len(column), "distinct": pc.count_distinct(column).as_py(), "files": len(files),
            "file_mb": round(sum(files) / 1e6, 1)}


TICK = os.sysconf("SC_CLK_TCK")


def cpu_now():
    """CPU seconds (used by the whole machine, used by the broker) since they started."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    broker = 0
    for cmdline in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"kafka.Kafka\0" in cmdline.read_bytes():
                broker += sum(map(int, (cmdline.parent / "stat").read_text().rsplit(") ", 1)[1].split()[11:13]))
        except OSError:
            pass
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICK, broker / TICK


class Usage(threading.Thread):
    """CPU seconds and peak resident memory of processes and all below them, sampled from /proc."""

    def __init__(self, *pids, every=0.2):
        super().__init__(daemon=True)
        self.pids, self.every, self.cpu_of, self.peak_rss, self.done = pids, every, {}, 0, threading.Event()
        self.began, self.before, self.cpu_before = time.time(), cpu_now(), self.cpu()
        self.start()

    def around(self, *known):
        """What the broker and processes outside this one and the `known` ones used meanwhile."""
        ours = sum(sum(usage.cpu_of.values()) - usage.cpu_before for usage in (self, *known))
        machine, broker = (now - then for now, then in zip(cpu_now(), self.before))
        return {"broker_cpu_s": round(broker, 1),
                "others_cores": round(max(0, machine - broker - ours) / (time.time() - self.began), 2)}

    def tree(self):
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(") ", 1)[1].split()
                except (OSError, IndexError):
                    continue
                children.setdefault(int(fields[1]), []).append(int(entry))
                if int(entry) in self.pids or int(entry) in self.cpu_of:
                    self.cpu_of[int(entry)] = (int(fields[11]) + int(fields[12])) / TICK
        todo, seen = list(self.pids), []
        while todo:
            pid = todo.pop()
            seen.append(pid)
            todo += children.get(pid, [])
        return seen

    def sample(self):
        rss = 0
        for pid in self.tree():
            self.cpu_of.setdefault(pid, 0.0)
            try:
                rss += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                pass
        self.peak_rss = max(self.peak_rss, rss)

    def run(self):
        while not self.done.wait(self.every):
            self.sample()

    def cpu(self):
        self.sample()
        return sum(self.cpu_of.values())

    def stop(self):
        self.done.set()
        self.join()


def stop(process, seconds=20):
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(check, seconds, what):
    until, last = time.time() + seconds, None
    while time.time() < until:
        try:
            if value := check():
                return value
        except Exception as error:  # not up yet
            last = error
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds} s") from last


def http_json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def record(peer, **row):
    """Appends one result row; rates follow from records, bytes and seconds."""
    if row.get("seconds") and row.get("records"):
        row.setdefault("rec_s", round(row["records"] / row["seconds"]))
        if row.get("bytes"):
            row.setdefault("mb_s", round(row["bytes"] / row["seconds"] / 1e6, 1))
    row = {"peer": peer, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **row}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as out:
        out.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)
