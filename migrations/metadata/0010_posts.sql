-- Where posts, comments and likes are: the shards, which shard has which partition of the topic `posts-writes`, and whether a
-- shard answers. db-migrator fills the first two: the shards that it is told of, and the first map.

create table shard_metadata (
    id            serial       primary key,
    shard_name    varchar(50)  not null unique,
    host          varchar(255) not null,
    port          integer      not null check (port between 1 and 65535),
    database_name varchar(255) not null,
    -- One that is not active keeps what it has, and gets no partitions more.
    is_active     boolean      not null default true,
    created_at    timestamptz  not null default current_timestamp
);

-- All 48 partitions (domain::posts::ShardMap). `epoch` is the one in which the partition came to its shard; the largest is
-- the map's, and grows by one with each change.
create table posts_shard_map (
    partition  integer     primary key check (partition between 0 and 47),
    shard_id   integer     not null references shard_metadata,
    epoch      bigint      not null check (epoch > 0),
    updated_at timestamptz not null default current_timestamp
);

-- A circuit breaker for each shard, shared by all instances (domain::posts::breaker). No row: nothing has failed.
create table posts_shard_breakers (
    shard_id    integer     primary key references shard_metadata on delete cascade,
    failures    integer     not null default 0 check (failures >= 0),
    open_until  timestamptz,
    probe_until timestamptz,
    last_error  text,
    updated_at  timestamptz not null default current_timestamp
);
