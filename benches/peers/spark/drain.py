"""Spark structured streaming, local mode: drains a topic into an Iceberg table with one availableNow run.

    drain.py narrow|github [--per-batch N] [--memory 4g]
"""

import argparse, json, os, pathlib, shutil, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import common


def main():
    args = argparse.ArgumentParser()
    args.add_argument("payload", choices=["narrow", "github"])
    args.add_argument("--per-batch", type=int, default=0, help="records a micro-batch; 0: all there is at the start")
    args.add_argument("--memory", default="4g")
    args = args.parse_args()
    (topic, note), table = common.topic_of(args.payload), f"spark_{args.payload}"
    common.new_table(table, args.payload)
    work = common.WORK / "spark_run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    jars = ",".join(str(p) for p in sorted((common.WORK / "jars/spark").glob("*.jar")))
    options = {f"spark.sql.catalog.peers.{key}": value for key, value in common.jdbc_catalog_options().items()}
    conf = {"master": "local[*]", "bootstrap": common.BOOTSTRAP, "topic": topic, "payload": args.payload, "table": table,
            "checkpoint": str(work / "checkpoint"), "per_batch": args.per_batch,
            "spark": options | {"spark.sql.catalog.peers": "org.apache.iceberg.spark.SparkCatalog", "spark.ui.enabled": "false",
                                "spark.sql.session.timeZone": "UTC", "spark.local.dir": str(work / "local"),
                                "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}}
    env = os.environ | {"PYSPARK_SUBMIT_ARGS": f"--driver-memory {args.memory} --jars {jars} pyspark-shell", "SPARK_LOCAL_IP": "127.0.0.1"}
    began = time.time()
    with (work / "log").open("w") as log:
        process = subprocess.Popen([str(common.WORK / "spark/bin/python"), str(common.HERE / "spark/job.py"), json.dumps(conf)],
                                   stdout=subprocess.PIPE, stderr=log, text=True, cwd=work, env=env)
        usage = common.Usage(process.pid)
        output = process.stdout.read()
        around = usage.around()
        usage.stop()
        process.wait()
    if process.returncode:
        raise SystemExit(f"failed, see {work}/log")
    job = json.loads(output.splitlines()[-1])
    done = common.table_snapshots(table)[-1][0]
    warm = job["batches"][1:] or job["batches"]  # the first batch of several also warms the JVM up
    common.record("spark", payload=args.payload, records=note["records"], bytes=note["bytes"], seconds=round(done - job["started"], 2),
                  seconds_with_start=round(done - began, 2), cpu_s_with_start=round(sum(usage.cpu_of.values()), 2), cpu_s=None,
                  peak_rss_mb=round(usage.peak_rss / 1e6), steady_rec_s=round(sum(b["rows"] for b in warm) / sum(b["ms"] for b in warm) * 1000), batches=len(job["batches"]),
                  check=common.table_check(table), versions={"spark": job["spark"], "iceberg": "1.11.0", "java": "17"},
                  note=f"local[*], driver {args.memory}, {'one batch' if not args.per_batch else f'{args.per_batch} records a batch'}", **around)


if __name__ == "__main__":
    main()
