-- A topic that is deleted and made again has a new id under its old name. Which one came before which is told by when
-- anything of them was first staged; rows from before this migration have only their last time.
alter table lake_watermarks add column first_staged_at timestamptz not null default now();
update lake_watermarks set first_staged_at = updated_at;
