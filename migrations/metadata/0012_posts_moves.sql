-- Moves of partitions between shards (domain::posts::moves), one a row. Only the holder of the lease `posts-rebalancer`
-- changes a row, and posts_shard_map with it.

create table posts_moves (
    id            bigint      generated always as identity primary key,
    partition     integer     not null check (partition between 0 and 47),
    from_shard    integer     not null references shard_metadata,
    to_shard      integer     not null references shard_metadata check (to_shard <> from_shard),
    -- The epoch in which the partition is at the source, and the one that is reserved for the target.
    from_epoch    bigint      not null check (from_epoch > 0),
    epoch         bigint      check (epoch > from_epoch),
    -- What is to be done next, and in a step of many pieces which table, and behind which key.
    step          text        not null default 'prepare',
    place         jsonb,
    rows_copied   bigint      not null default 0,
    rows_verified bigint      not null default 0,
    rows_deleted  bigint      not null default 0,
    -- Failures in a row, since when, the next attempt, and the last reason.
    attempts      integer     not null default 0,
    failing_since timestamptz,
    retry_at      timestamptz,
    error         text,
    thaws         integer     not null default 0,
    -- It is given up and undone.
    doomed        boolean     not null default false,
    created_at    timestamptz not null default current_timestamp,
    started_at    timestamptz,
    frozen_at     timestamptz,
    switched_at   timestamptz,
    finished_at   timestamptz
);
-- A partition is in one unfinished move only.
create unique index posts_moves_unfinished on posts_moves (partition) where finished_at is null;
