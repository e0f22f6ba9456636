-- What moves of partitions need (domain::posts::moves).

-- `frozen`: the partition is on its way to or from this shard. Who stores records changes the row only where it is not
-- frozen and has the epoch of its map (`... and epoch = $1 and not frozen`), else it leaves them in Kafka. The mover marks
-- the row, and with it waits for the transaction that holds it: from then on no record is stored. Readers do not look at it.
-- `move_token`: the lease's token of the mover that was here last. One that slept through the end of its lease has a
-- smaller token than its successor, and each of its transactions is refused by it.
alter table posts_progress
    add column frozen boolean not null default false,
    add column move_token bigint not null default 0;

-- A mover compares the same range of rows at two servers, so their order must not depend on a server's language.
alter table likes alter column user_id type varchar(255) collate "C";
