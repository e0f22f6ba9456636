-- One row a worker that must be single. See crates/pg/src/lease.rs.
create table leases (
    name       text primary key,
    holder     text not null,
    token      bigint not null check (token > 0),
    expires_at timestamptz not null
);
