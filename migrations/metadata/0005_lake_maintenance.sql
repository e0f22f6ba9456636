-- The lake's maintenance: what is to be deleted, and where the search for orphans stands.

-- Objects that no retained snapshot reaches any more. They are noted in the transaction that moves the table's metadata
-- pointer past them, so a maintenance that dies forgets none; they are deleted later, when no query can still read them.
create table lake_garbage (
    table_name    text        not null,
    object_path   text        not null,
    noted_at      timestamptz not null default now(),
    primary key (table_name, object_path)
);
create index lake_garbage_noted on lake_garbage (table_name, noted_at);

-- A search for orphans goes through a table's objects in steps, over many invocations. One row an area (data, metadata,
-- segments). The counters are those of the search that is under way or was the last.
create table lake_sweeps (
    table_name    text        not null,
    area          text        not null,
    -- The last object looked at; null between two searches.
    position      text,
    began_at      timestamptz not null,
    ended_at      timestamptz,
    listed        bigint      not null default 0,
    orphans       bigint      not null default 0,
    orphan_bytes  bigint      not null default 0,
    primary key (table_name, area)
);
