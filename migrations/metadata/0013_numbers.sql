-- The numbers pipeline (domain::numbers): what came in, what each stage made of it, and what of that is published.

-- A row for each batch of one partition that a stage has stored. It is the outbox too: it is written in the transaction
-- that stores the rows, before the outputs are published. While `published_at` is null they may be in the next topic or
-- not; whoever takes the partition over looks for them there from offset `out_from` on, before he publishes the missing.
create table number_batches (
    id            bigint      generated always as identity primary key,
    stage         smallint    not null check (stage > 0),
    cluster_id    text        not null,
    topic         text        not null,
    -- Kafka's id of the topic: one that was made again begins at 0.
    topic_id      text        not null,
    partition     integer     not null check (partition >= 0),
    -- Records from `first_offset` up to, not including, `next_offset` were looked at.
    first_offset  bigint      not null,
    next_offset   bigint      not null,
    -- Rows that were new; messages that the stage had already; records that went to the dead letters.
    records       integer     not null,
    duplicates    integer     not null,
    dead_letters  integer     not null,
    -- The next topic, its partition, and that partition's end before anything of the batch was published.
    out_topic     text        not null,
    out_partition integer     not null,
    out_from      bigint      not null,
    received_at   timestamptz not null,
    stored_at     timestamptz not null default clock_timestamp(),
    -- When Kafka had acknowledged all outputs.
    published_at  timestamptz
);
create index number_batches_by_time on number_batches (stage, stored_at);

-- How far each stage has come in each partition. The row moves in the transaction that stores the rows, and only where it
-- is still what the writer thinks (`next_offset`) and nothing is `pending`: of two writers one moves it.
create table number_progress (
    stage        smallint    not null check (stage > 0),
    cluster_id   text        not null,
    topic_id     text        not null,
    partition    integer     not null check (partition >= 0),
    topic        text        not null,
    next_offset  bigint      not null check (next_offset >= 0),
    -- The batch that is stored, and not known to be published.
    pending      bigint,
    records      bigint      not null default 0,
    duplicates   bigint      not null default 0,
    dead_letters bigint      not null default 0,
    updated_at   timestamptz not null default clock_timestamp(),
    primary key (stage, cluster_id, topic_id, partition)
) with (fillfactor = 50);

-- Each message that came into `start` with a set of numbers, whoever posted it, in the bytes that came. A replay is none.
create table inputs1 (
    message_id   uuid        primary key,
    input        text        not null,
    -- The record's time in Kafka.
    submitted_at timestamptz not null,
    -- Where in `start`; the batch has the topic's ids. `source` is what a header of this name says, such as `generator`.
    partition    integer     not null,
    "offset"     bigint      not null,
    source       text,
    batch        bigint      not null
);
create index inputs1_by_time on inputs1 (submitted_at);

-- What each stage made of each message: once for each attempt, which is 0 but for replays.
create table number_stages (
    stage        smallint    not null,
    message_id   uuid        not null,
    attempt      integer     not null check (attempt >= 0),
    input        text        not null,
    output       text        not null,
    -- When the message came into `start`.
    submitted_at timestamptz not null,
    -- When the function got it; when its computing began and ended. `published_at` is the batch's.
    received_at  timestamptz not null,
    started_at   timestamptz not null,
    finished_at  timestamptz not null,
    -- What goes on with the output: the record's key, its trace, and the times in the stages so far.
    key          bytea,
    traceparent  text,
    times        text        not null,
    -- In the stage's input topic; the batch has the rest.
    "offset"     bigint      not null,
    batch        bigint      not null,
    primary key (stage, message_id, attempt)
) partition by list (stage);
create index number_stages_of_batch on number_stages (batch);
create table stage1 partition of number_stages for values in (1);
create table stage2 partition of number_stages for values in (2);
create table stage3 partition of number_stages for values in (3);
create table stage4 partition of number_stages for values in (4);
create table stage5 partition of number_stages for values in (5);
-- A stage that is added works before it has a table of its own.
create table stage_others partition of number_stages default;
