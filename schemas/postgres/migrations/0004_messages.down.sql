DROP FUNCTION drop_outbox_partitions(timestamptz);
DROP FUNCTION old_outbox_partitions(timestamptz);
DROP FUNCTION ensure_outbox_partitions(integer);
DROP VIEW stranded_events;
DROP TABLE outbox, parked_events, inbox;
