-- The lake: what writers have staged, what is committed, and the Iceberg SQL catalog.

-- The next offset that a writer will stage, a partition of a topic's incarnation. It moves in the transaction that
-- registers the segment. The counters are exact for the same reason.
create table lake_watermarks (
    table_name    text        not null,
    cluster_id    text        not null,
    topic_id      text        not null,
    partition     integer     not null,
    topic         text        not null,
    next_offset   bigint      not null,
    records       bigint      not null default 0,
    dead_letters  bigint      not null default 0,
    -- Offsets that never came: holes that Kafka leaves, and batches that ended in their failure destination.
    gap_offsets   bigint      not null default 0,
    updated_at    timestamptz not null default now(),
    primary key (table_name, cluster_id, topic_id, partition)
);

-- A Parquet object with staged rows; without an object it covers offsets whose records were all dead letters.
create table lake_segments (
    id            bigint      generated always as identity primary key,
    table_name    text        not null,
    object_path   text        unique,
    bytes         bigint      not null,
    records       bigint      not null,
    -- Bounds of the table's time column, microseconds since 1970.
    time_min      bigint,
    time_max      bigint,
    staged_at     timestamptz not null default now(),
    committed_at  timestamptz
);
create index lake_segments_staged on lake_segments (table_name, id) where committed_at is null;
create index lake_segments_committed on lake_segments (table_name, committed_at) where committed_at is not null;

-- A segment's link in the chain of each partition: first_offset is the watermark before it.
create table lake_segment_ranges (
    segment_id    bigint      not null references lake_segments on delete cascade,
    table_name    text        not null,
    cluster_id    text        not null,
    topic_id      text        not null,
    partition     integer     not null,
    first_offset  bigint      not null,
    next_offset   bigint      not null,
    primary key (segment_id, cluster_id, topic_id, partition),
    -- A chain does not fork, whatever a writer believes.
    unique (table_name, cluster_id, topic_id, partition, first_offset),
    check (first_offset < next_offset)
);

-- About each table, as of its last commit, written in the transaction that marks that commit's segments: one read of
-- this row and of the unmarked segments is a consistent view, each row once.
create table lake_tables (
    table_name        text        primary key,
    table_uuid        uuid        not null,
    metadata_location text        not null,
    snapshot_id       bigint,
    -- Iceberg's sequence number: a committer that comes late never puts an older state over a newer one.
    sequence_number   bigint      not null,
    files             bigint      not null,
    records           bigint      not null,
    bytes             bigint      not null,
    watermarks        jsonb       not null,
    committed_at      timestamptz not null
);

-- The two tables of Iceberg's SQL catalog, as iceberg-rust and PyIceberg make them: made here, because two functions
-- that start at once and both "create if not exists" can fail in Postgres.
create table if not exists iceberg_tables (
    catalog_name               varchar(255) not null,
    table_namespace            varchar(255) not null,
    table_name                 varchar(255) not null,
    metadata_location          varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type               varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);
create table if not exists iceberg_namespace_properties (
    catalog_name   varchar(255) not null,
    namespace      varchar(255) not null,
    property_key   varchar(255),
    property_value varchar(1000),
    primary key (catalog_name, namespace, property_key)
);
