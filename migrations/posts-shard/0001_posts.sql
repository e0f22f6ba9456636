-- One shard: some of the partitions of the topic `posts-writes`, each whole, with all posts, comments and likes in it. The
-- partition of a row is a hash of its post's id (domain::posts::partition_of). The partition is what moves between shards.
--
-- Each shard also holds what it is given of partitions that are on their way to it: readers take only those partitions that
-- the master's map gives to this shard (`partition = any(...)`), and see in posts_progress whether their map is still right.

create table posts (
    id         uuid         primary key default gen_random_uuid(),
    user_id    varchar(255) not null,
    content    text         not null,
    created_at timestamptz  not null default current_timestamp,
    updated_at timestamptz  not null default current_timestamp,
    partition  integer      not null check (partition between 0 and 47)
);
-- The newest posts, and a user's: pages by (created_at, id), read backwards.
create index posts_newest on posts (created_at, id);
create index posts_of_user on posts (user_id, created_at, id);
-- A partition's, for moves.
create index posts_of_partition on posts (partition, id);

create table comments (
    id         uuid         primary key default gen_random_uuid(),
    post_id    uuid         not null,
    user_id    varchar(255) not null,
    content    text         not null,
    created_at timestamptz  not null default current_timestamp,
    updated_at timestamptz  not null default current_timestamp,
    partition  integer      not null check (partition between 0 and 47)
);
-- A post's comments in pages by (created_at, id); the partition follows from the post, so the same index has a partition's.
create index comments_of_post on comments (partition, post_id, created_at, id);
create index comments_of_user on comments (user_id);

create table likes (
    id         uuid         primary key default gen_random_uuid(),
    post_id    uuid         not null,
    user_id    varchar(255) not null,
    created_at timestamptz  not null default current_timestamp,
    partition  integer      not null check (partition between 0 and 47),
    -- A like is unique a user and post. The partition follows from the post, so it changes nothing of that, and the same
    -- index has a post's likes (pages by user_id) and a partition's.
    unique (partition, post_id, user_id)
);
create index likes_of_user on likes (user_id);

-- How many comments and likes a post has. It moves in the transaction that inserts them, by the number of rows that were
-- new, so it is exact; a post without a row has none. A post that was never stored may have one: its post may come yet.
create table post_counters (
    post_id   uuid    primary key,
    comments  bigint  not null default 0 check (comments >= 0),
    likes     bigint  not null default 0 check (likes >= 0),
    partition integer not null check (partition between 0 and 47)
) with (fillfactor = 70);
create index post_counters_of_partition on post_counters (partition, post_id);

-- The next offset that this shard wants of a partition. It moves in the transaction that stores the records before it.
-- `epoch` is that of the map in which the partition came to this shard; a writer or reader with another one has an old map.
-- When a partition leaves, its row stays, with the epoch in which it left: without it, a writer with the old map would
-- begin anew here. A row is made by the writer in the first epoch only, in a later one by the move.
create table posts_progress (
    topic        text        not null,
    partition    integer     not null check (partition between 0 and 47),
    next_offset  bigint      not null check (next_offset >= 0),
    epoch        bigint      not null check (epoch > 0),
    -- Kafka's id of the topic: one that was made again begins at 0.
    topic_id     text        not null default '',
    -- Records that were stored, were here already, or went to the dead letters.
    records      bigint      not null default 0,
    duplicates   bigint      not null default 0,
    dead_letters bigint      not null default 0,
    updated_at   timestamptz not null default current_timestamp,
    primary key (topic, partition)
);
