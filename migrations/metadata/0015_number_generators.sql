-- How many sets of each kind (seed, count, range) numbers-generator has posted: the index of the next one.
create table number_generators (
    sets       text        primary key,
    next_index bigint      not null check (next_index >= 0),
    updated_at timestamptz not null default clock_timestamp()
);
