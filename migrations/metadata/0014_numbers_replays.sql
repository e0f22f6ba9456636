-- Replays in the numbers pipeline: who asked for what, and which attempt of which message came of it.

create table number_replays (
    -- Of the request's Idempotency-Key, or random.
    id           uuid        primary key,
    -- What was asked for, as JSON: one key is for one request.
    request      text        not null,
    -- The first stage that messages pass again.
    from_stage   smallint    not null check (from_stage > 0),
    messages     integer     not null check (messages >= 0),
    -- Where the next request goes on, when this one met its limit.
    next         text,
    requested_at timestamptz not null default clock_timestamp(),
    -- When Kafka had acknowledged all. Null: some may be missing, and the request sent again with its key sends them.
    sent_at      timestamptz
);

-- Attempts are numbered before they are sent, so that each has a number of its own, and one that is sent twice is one.
create table number_attempts (
    message_id uuid     not null,
    attempt    integer  not null check (attempt > 0),
    replay     uuid     not null references number_replays,
    primary key (message_id, attempt)
);
create index number_attempts_of_replay on number_attempts (replay);

-- Ranged replays find batches by offset, and messages by key.
create index number_batches_by_offset on number_batches (stage, partition, next_offset);
create index stage1_by_key on stage1 (key, submitted_at) where key is not null;
