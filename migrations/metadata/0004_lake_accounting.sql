-- What became of each record: of the offsets first_offset..next_offset of a partition, each is a row, a duplicate, a dead
-- letter or a gap, so next_offset - first_offset = records + duplicates + dead_letters + gap_offsets.
alter table lake_watermarks
    -- Where the partition's chain began.
    add column first_offset bigint,
    -- Records whose key was in the window of repeats already.
    add column duplicates   bigint not null default 0;
update lake_watermarks set first_offset = next_offset - records - dead_letters - gap_offsets;
alter table lake_watermarks alter column first_offset set not null;

-- Dead letters by the rule that they broke, a partition each, so that writers of other partitions do not wait for one
-- another. Their sum is lake_watermarks.dead_letters of records that came since this table is here.
create table lake_rule_counts (
    table_name    text        not null,
    cluster_id    text        not null,
    topic_id      text        not null,
    partition     integer     not null,
    rule          text        not null,
    records       bigint      not null,
    primary key (table_name, cluster_id, topic_id, partition, rule)
);

-- The keys that each registered segment brought, a partition of a topic's name: what comes again is looked for here. All
-- incarnations of a topic share one chain of sequence numbers, and the primary key lets one writer continue it.
create table lake_repeats (
    table_name    text        not null,
    topic         text        not null,
    partition     integer     not null,
    -- 1, 2, 3 ...; the newest row of a chain is never deleted.
    sequence      bigint      not null,
    -- Keys in this row.
    ids           bigint      not null,
    -- Keys in this row and in all before it.
    total         bigint      not null,
    -- Keys that are decimal numbers, 8 bytes each, and all others, 16 bytes each.
    numbers       bytea       not null,
    others        bytea       not null,
    staged_at     timestamptz not null default now(),
    primary key (table_name, topic, partition, sequence)
);
-- Numbers do not compress; trying would cost the writer's transaction its time.
alter table lake_repeats alter column numbers set storage external, alter column others set storage external;
