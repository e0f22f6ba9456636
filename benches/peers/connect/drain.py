"""Iceberg's Kafka Connect sink, one standalone worker: drains a topic into an Iceberg table, until committed.

    drain.py narrow|github [--tasks 2] [--commit-ms 10000] [--stock]

The worker gets Kafka's own start-up flags (2 GB heap, G1). Unless `--stock`, its consumers poll 10,000 records
at a time instead of 500, fetch bigger, and idle tasks wake each second instead of each minute. The table is made
beforehand, so no time goes into evolving its schema.
"""

import argparse, os, pathlib, re, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common

HEAP = os.environ.get("CONNECT_HEAP", "-Xms256M -Xmx2G").split()
JVM = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
       "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]


def properties(path, values):
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("payload", choices=["narrow", "github"])
    args.add_argument("--tasks", type=int, default=2)
    args.add_argument("--commit-ms", type=int, default=10_000)
    args.add_argument("--stock", action="store_true")
    args.add_argument("--limit-s", type=int, default=600)
    args = args.parse_args()
    (topic, note), table = common.topic_of(args.payload), f"connect_{args.payload}"
    records = note["records"]
    common.new_table(table, args.payload)
    common.create_topic("bench-peers-control", 1)
    work = common.WORK / "connect"
    work.mkdir(parents=True, exist_ok=True)
    name = f"peers-{args.payload}-{int(time.time())}"  # a new consumer group, so from the beginning
    properties(work / "log4j2.properties", {
        "appender.stdout.type": "Console", "appender.stdout.name": "stdout", "appender.stdout.layout.type": "PatternLayout",
        "appender.stdout.layout.pattern": "%d{UNIX_MILLIS} %p %c{1} %m%n", "rootLogger.level": "INFO", "rootLogger.appenderRef.stdout.ref": "stdout"})
    properties(work / "worker.properties", {
        "bootstrap.servers": common.BOOTSTRAP, "listeners": f"http://127.0.0.1:{common.CONNECT_PORT}",
        "offset.storage.file.filename": work / f"{name}.offsets", "plugin.discovery": "only_scan",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
        "connector.client.config.override.policy": "All",
        # Also how long an idle task blocks before it answers the coordinator: at the stock 60 s the last commit comes late.
        "offset.flush.interval.ms": 60_000 if args.stock else 1_000})
    tuned = {} if args.stock else {"consumer.override.max.poll.records": 10_000, "consumer.override.fetch.max.bytes": 104_857_600,
                                   "consumer.override.max.partition.fetch.bytes": 8_388_608}
    properties(work / "sink.properties", {
        "name": name, "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector", "tasks.max": args.tasks, "topics": topic,
        "consumer.override.auto.offset.reset": "earliest", "iceberg.tables": f"lake.{table}", "iceberg.catalog": "peers",
        "iceberg.control.topic": "bench-peers-control", "iceberg.control.commit.interval-ms": args.commit_ms,
        "iceberg.kafka.bootstrap.servers": common.BOOTSTRAP} | tuned |
        {f"iceberg.catalog.{key}": value for key, value in common.jdbc_catalog_options().items()})
    command = ["java", *HEAP, *JVM, f"-Dlog4j2.configurationFile={work}/log4j2.properties",
               "-cp", f"{common.WORK}/jars/connect/*", "org.apache.kafka.connect.cli.ConnectStandalone",
               str(work / "worker.properties"), str(work / "sink.properties")]
    log, status_url = work / f"{name}.log", f"http://127.0.0.1:{common.CONNECT_PORT}/connectors/{name}/status"
    with log.open("w") as out:
        began = time.time()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=work)
    usage = common.Usage(process.pid)
    try:
        # Ready: the first task has its partitions and reads. The CPU until then is the JVM's start.
        wait_log = lambda: re.search(r"^(\d+) INFO .*Resetting offset for partition", log.read_text(), re.M)
        found = common.wait_for(wait_log, 180, f"the sink's tasks, see {log}")
        ready, cpu_start = int(found.group(1)) / 1000, usage.cpu()
        until = time.time() + args.limit_s
        while True:
            snapshots = common.table_snapshots(table)
            if snapshots and snapshots[-1][1] >= records:
                break
            failed = [t for t in common.http_json(status_url)["tasks"] if t["state"] == "FAILED"]
            if process.poll() is not None or failed or time.time() > until:
                raise SystemExit(f"not drained: {snapshots[-3:]}, see {log}")
            time.sleep(0.5)
        cpu, around = usage.cpu(), usage.around()
    finally:
        usage.stop()
        common.stop(process)
    # The rate between the first and the last commit but one is free of the JVM's warm-up and of the last commit's wait.
    done, (t0, n0), (t1, n1) = snapshots[-1][0], snapshots[0], snapshots[-2 if len(snapshots) > 2 else -1]
    common.record("kafka-connect" + (" stock" if args.stock else ""), payload=args.payload, records=records, bytes=note["bytes"],
                  seconds=round(done - ready, 2), seconds_with_start=round(done - began, 2), cpu_s=round(cpu - cpu_start, 2),
                  cpu_s_with_start=round(cpu, 2), peak_rss_mb=round(usage.peak_rss / 1e6), steady_rec_s=round((n1 - n0) / (t1 - t0)) if t1 > t0 else None,
                  commits=len(snapshots), tasks=args.tasks, commit_ms=args.commit_ms, check=common.table_check(table),
                  versions={"iceberg": "1.11.0", "kafka-connect": "4.1.0", "java": "17"}, note=f"{args.tasks} task(s), commit every {args.commit_ms / 1000:g} s", **around)


if __name__ == "__main__":
    main()
