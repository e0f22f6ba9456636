"""Reads the lake with PyIceberg, for the soak. `count` prints the rows of the current snapshot. `rows` writes them to
stdout, a batch at a time: how many (8 bytes), then that many ids as numbers (8), partitions (4) and offsets (8 bytes
each), little-endian."""

import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

try:
    table = load_catalog("millrace").load_table("github.events")
except NoSuchTableError:
    table = None


def numbers(column, kind):
    """The bytes of a column of numbers."""
    column = pc.cast(column, kind)
    if column.null_count:
        sys.exit("a row has no id, partition or offset")
    width = kind.bit_width // 8
    return memoryview(column.buffers()[1])[column.offset * width : (column.offset + len(column)) * width]


if sys.argv[1] == "count":
    # The files' own counts: a summary's running total would repeat an error instead of showing it.
    tasks = table.scan().plan_files() if table is not None else []
    print(sum(task.file.record_count for task in tasks))
elif table is not None:
    names = {"id": pa.int64(), "kafka_partition": pa.int32(), "kafka_offset": pa.int64()}
    for batch in table.scan(selected_fields=tuple(names)).to_arrow_batch_reader():
        sys.stdout.buffer.write(len(batch).to_bytes(8, "little"))
        for name, kind in names.items():
            sys.stdout.buffer.write(numbers(batch[name], kind))
