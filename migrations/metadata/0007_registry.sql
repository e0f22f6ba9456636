-- The registry: how each function is. One worker writes it, under the lease `registry-prober`.

-- When the work of a lease last went well. A schedule's function that no address reaches is judged by it.
alter table leases add column succeeded_at timestamptz;

-- The newest check of each function that the template names as a service, in the template's order.
create table service_checks (
    name             text        primary key,
    position         integer     not null,
    kind             text        not null check (kind in ('http', 'kafka', 'schedule')),
    -- In words: which topic by which group, which rate.
    trigger          text        not null,
    address          text,
    status           text        not null check (status in ('healthy', 'unhealthy', 'stopped', 'unknown')),
    status_since     timestamptz not null,
    response_time_ms double precision,
    -- Of a Kafka function: records that wait, and the sum of the offsets that its group has committed.
    lag              bigint,
    progress         bigint,
    last_success_at  timestamptz,
    -- Since when its trigger is on; what was stopped until then gets its time before it is called ill.
    expected_since   timestamptz,
    error            text,
    checked_at       timestamptz not null
);

-- The checks of the last hour.
create table service_check_history (
    name             text        not null references service_checks on delete cascade,
    checked_at       timestamptz not null,
    status           text        not null,
    response_time_ms double precision,
    lag              bigint,
    progress         bigint,
    primary key (name, checked_at)
);
create index service_check_history_checked on service_check_history (checked_at);

-- Since when checks come without a break: how long the system has been up, as it sees itself. One row at most.
create table registry_rounds (
    only_row         boolean     primary key default true check (only_row),
    up_since         timestamptz not null,
    checked_at       timestamptz not null
);
