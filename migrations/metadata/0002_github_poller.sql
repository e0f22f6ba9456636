-- What github-poller knows between invocations. One row a feed; the lease `github-poller` guards both tables.
create table github_poller_state (
    feed                   text        primary key,
    -- Settings.
    fetch_interval_seconds bigint      not null default 1 check (fetch_interval_seconds between 1 and 86400),
    max_events_per_fetch   bigint      not null default 300 check (max_events_per_fetch between 1 and 300),
    -- Where polling stands. `incomplete`: the last poll could not read all pages it wanted, the next one reads them all.
    etag                   text,
    incomplete             boolean     not null default false,
    next_poll_at           timestamptz,
    last_poll_at           timestamptz,
    newest_created_at      timestamptz,
    newest_advanced_at     timestamptz,
    stale_since            timestamptz,
    consecutive_errors     bigint      not null default 0,
    -- Counters since the table was made.
    polls                  bigint      not null default 0,
    not_modified           bigint      not null default 0,
    fetched                bigint      not null default 0,
    sent                   bigint      not null default 0,
    duplicates             bigint      not null default 0,
    dead_letters           bigint      not null default 0,
    gaps                   bigint      not null default 0,
    stale                  bigint      not null default 0,
    errors                 bigint      not null default 0,
    -- What GitHub last said.
    rate_limit_remaining   bigint,
    rate_limit_reset_at    timestamptz,
    token_status           text        not null default 'unknown' check (token_status in ('unknown', 'none', 'accepted', 'refused')),
    last_error             text,
    last_error_at          timestamptz,
    updated_at             timestamptz not null default now()
);
insert into github_poller_state (feed) values ('public');

-- The rolling set of ids that were sent, the newest 20,000: a feed repeats 300. A table of rows rather than one array,
-- because a poll adds a few and must not rewrite the rest.
create table github_poller_seen (
    feed     text   not null references github_poller_state (feed),
    position bigint generated always as identity,
    event_id text   not null,
    primary key (feed, event_id)
);
create index github_poller_seen_position on github_poller_seen (feed, position);
