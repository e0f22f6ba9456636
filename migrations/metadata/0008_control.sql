-- What the producer's interface sets and shows of the poller, and what the streaming interface shows of the lake.
alter table github_poller_state
    -- The token itself is in Secrets Manager. Each change of it moves the number, so that the poller reads it again;
    -- without a time there is none, and the poller takes that of its environment.
    add column token_revision        bigint not null default 0,
    add column token_set_at          timestamptz,
    -- X-Poll-Interval, as GitHub last said.
    add column poll_interval_seconds bigint,
    -- No poll before, whatever the settings: what GitHub asks for, and patience after failures.
    add column earliest_poll_at      timestamptz;
alter table github_poller_state drop constraint github_poller_state_token_status_check;
-- unreadable: it was stored, and Secrets Manager does not give it.
alter table github_poller_state add constraint github_poller_state_token_status_check
    check (token_status in ('unknown', 'none', 'accepted', 'refused', 'unreadable'));

-- Batches that were staged. One that brought records of several partitions is counted at the first of them, so that the
-- sum is exact and writers of other partitions do not wait for one another.
alter table lake_watermarks add column batches bigint not null default 0;

-- The days that the table holds rows of; null before the first commit that tells them.
alter table lake_tables
    add column first_day date,
    add column last_day  date;
