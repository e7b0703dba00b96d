-- One role per worker, holding what it needs and nothing more.
--
-- Run by the owner of the tables, in the database, after every migration:
--     psql --single-transaction --file ops/postgres/roles.sql "$ORDERFLOW_DATABASE_URL"
-- Running it again changes nothing. The roles cannot log in until they are given a password or a
-- certificate, which no file holds:
--     ALTER ROLE orderflow_order_created LOGIN PASSWORD '...'
-- Who runs it needs CREATEROLE the first time. Roles belong to the whole server, grants to one
-- database. Adding a table to a worker's work means adding a line here; until then the worker
-- pauses with `database-refuses`, and loses nothing.

DO $$
DECLARE
    wanted text;
BEGIN
    -- Two who begin at once would make the same role.
    PERFORM pg_advisory_xact_lock(hashtext('orderflow_roles'), 0);
    FOREACH wanted IN ARRAY ARRAY[
        -- Held by workers, never logged in as.
        'orderflow_process', 'orderflow_sealing', 'orderflow_rules', 'orderflow_system',
        'orderflow_order_created', 'orderflow_payment_attempted', 'orderflow_payment_timeout',
        'orderflow_refund_requested', 'orderflow_dispute_opened',
        'orderflow_outbox_relay', 'orderflow_timer_scheduler', 'orderflow_dead_letter_parker'
    ]
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format(
                'CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', wanted
            );
        END IF;
    END LOOP;
    -- Nothing of ours lives in temporary tables; only who made the database may make them.
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END;
$$;

-- Every process: is the schema the one it was built for, are its master keys the right ones.
GRANT SELECT ON _sqlx_migrations TO orderflow_process;
GRANT SELECT, INSERT ON master_keys TO orderflow_process;

-- Who stores what shops sent: the keys that seal it, which it can neither change nor destroy.
GRANT orderflow_process TO orderflow_sealing;
GRANT SELECT, INSERT ON subject_keys TO orderflow_sealing;
-- Locking a row in share mode asks for the right to change some column of it.
GRANT UPDATE (created_at) ON subject_keys TO orderflow_sealing;

-- The workers with rules: the engine and the order, which any of their events may move.
GRANT orderflow_sealing TO orderflow_rules;
GRANT SELECT ON
    currencies, transitions_allowed, orders, payment_attempts, captures, refunds, disputes, timers,
    customer_marks, risk_flags, unapplied_money, consent_withdrawals, erasures, forgotten_events
TO orderflow_rules;
GRANT SELECT, INSERT, UPDATE ON inbox TO orderflow_rules;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_events, suspects TO orderflow_rules;
GRANT UPDATE ON orders TO orderflow_rules;
-- Any of them may have to give money back, which moves what disputes lost.
GRANT INSERT, UPDATE ON refunds, disputes, timers TO orderflow_rules;
-- An order that is paid or runs out of time may change what is noted of its customer.
GRANT INSERT, UPDATE ON customer_marks TO orderflow_rules;
GRANT SELECT, INSERT ON history, transfers, judgements, outbox TO orderflow_rules;
-- What a replay brought back and succeeded is resolved in the transaction of its success. None of
-- them reads a letter's body, or why it failed.
GRANT SELECT (id, digest, source_queue, status), UPDATE (status, status_changed_at)
ON dead_letters TO orderflow_rules;
GRANT SELECT (id, batch_id, letter_id, state), UPDATE (state, state_changed_at, leased_until, code)
ON replay_items TO orderflow_rules;
GRANT SELECT (id, target) ON replay_batches TO orderflow_rules;

GRANT orderflow_rules TO
    orderflow_order_created, orderflow_payment_attempted, orderflow_payment_timeout,
    orderflow_refund_requested, orderflow_dispute_opened;

GRANT INSERT ON orders, consent_withdrawals TO orderflow_order_created;
GRANT INSERT, UPDATE ON captures TO orderflow_order_created;

GRANT INSERT, UPDATE ON payment_attempts, captures, unapplied_money TO orderflow_payment_attempted;

GRANT INSERT, UPDATE ON captures, unapplied_money TO orderflow_refund_requested;
GRANT INSERT ON risk_flags TO orderflow_refund_requested;

GRANT INSERT ON risk_flags TO orderflow_dispute_opened;

-- Publishes, and notes that it did.
GRANT orderflow_process TO orderflow_outbox_relay;
GRANT SELECT ON subject_keys, outbox TO orderflow_outbox_relay;
-- Whether who is to be asked for money owes it still.
GRANT SELECT (id, status) ON orders TO orderflow_outbox_relay;
GRANT UPDATE (publish_after, attempts, sent_at, suppressed_at) ON outbox TO orderflow_outbox_relay;
GRANT INSERT ON judgements TO orderflow_outbox_relay;

-- Hands over timers, sends parked events home, keeps partitions ready.
GRANT orderflow_process TO orderflow_timer_scheduler;
GRANT SELECT, UPDATE ON timers TO orderflow_timer_scheduler;
GRANT SELECT, UPDATE, DELETE ON parked_events TO orderflow_timer_scheduler;
GRANT SELECT ON stranded_events TO orderflow_timer_scheduler;
GRANT INSERT ON outbox TO orderflow_timer_scheduler;
-- Partitions belong to the owner of the outbox, so they are made in its name.
ALTER FUNCTION ensure_outbox_partitions(integer) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE ALL ON FUNCTION ensure_outbox_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_outbox_partitions(integer) TO orderflow_timer_scheduler;

-- Moves dead letters here and replays them, and touches nothing of any order.
GRANT orderflow_sealing TO orderflow_dead_letter_parker;
GRANT SELECT, INSERT, UPDATE ON dead_letters, failure_groups TO orderflow_dead_letter_parker;
GRANT SELECT, INSERT ON dead_letters_raw TO orderflow_dead_letter_parker;
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letter_attempts TO orderflow_dead_letter_parker;
GRANT SELECT, UPDATE ON replay_batches, replay_items TO orderflow_dead_letter_parker;
GRANT SELECT ON replay_batches_listed, dead_letter_edits TO orderflow_dead_letter_parker;
-- The end of a replay is a line of the audit, which nobody can write in any other way. It is the
-- system that ends it, and not a person.
GRANT orderflow_system TO orderflow_dead_letter_parker;
GRANT EXECUTE ON FUNCTION
    audit_append(text, operator_role, text, text, text, jsonb)
TO orderflow_dead_letter_parker;
