"""Reads the lake's table with Spark, through the catalog in Postgres and the files on S3, and prints what it finds as a
line of JSON. The environment is that of `millrace env`; the argument is the folder of the jars."""

import json
import os
import pathlib
import sys
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

database = urlsplit(os.environ["DATABASE_URL"])
# The catalog's name is part of its rows: another one would show no tables.
catalog = "spark.sql.catalog.millrace"
settings = {
    catalog: "org.apache.iceberg.spark.SparkCatalog",
    f"{catalog}.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
    f"{catalog}.uri": f"jdbc:postgresql://{database.hostname}:{database.port}{database.path}",
    f"{catalog}.jdbc.user": database.username or "postgres",
    # The rows say what they are (iceberg_type): the second version of the catalog's layout.
    f"{catalog}.jdbc.schema-version": "V1",
    f"{catalog}.warehouse": "s3://millrace-lake/warehouse",
    f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    f"{catalog}.s3.endpoint": os.environ["AWS_ENDPOINT_URL"],
    f"{catalog}.s3.path-style-access": "true",
    f"{catalog}.s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
    f"{catalog}.s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
    f"{catalog}.client.region": os.environ["AWS_REGION"],
    "spark.jars": ",".join(str(jar) for jar in sorted(pathlib.Path(sys.argv[1]).glob("*.jar"))),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
}
if database.password:
    settings[f"{catalog}.jdbc.password"] = database.password
builder = SparkSession.builder.master("local[*]").appName("readers-spark")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
found = spark.sql(
    """select count(*) rows, count(distinct id) ids, count(distinct kafka_topic, kafka_partition, kafka_offset) positions,
              min(created_at) first, max(created_at) last
         from millrace.github.events"""
).first()
snapshots = spark.sql("select count(*) snapshots from millrace.github.events.snapshots").first()
answer = {**found.asDict(), **snapshots.asDict(), "spark": spark.version}
print(json.dumps(answer, default=str))
