-- What came in, what waits, what goes out.

CREATE TABLE inbox (
    -- Set once.
    inbox_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 100),
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    kind event_kind NOT NULL,
    digest bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Moved by later deliveries. The defaults are the common case: fresh and applied.
    order_id uuid,
    deliveries integer NOT NULL DEFAULT 1,
    outcome inbox_outcome NOT NULL DEFAULT 'applied',
    outcome_code text,
    parked_until timestamptz,
    -- The id first: many events share a source, and each step of a search compares text.
    CONSTRAINT inbox_pkey PRIMARY KEY (event_id, source),
    CONSTRAINT inbox_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT inbox_deliveries_positive CHECK (deliveries > 0),
    CONSTRAINT inbox_parked_with_end CHECK ((outcome = 'parked') = (parked_until IS NOT NULL)),
    CONSTRAINT inbox_outcome_with_code CHECK (
        (outcome IN ('applied', 'parked')) = (outcome_code IS NULL)
    )
);
COMMENT ON TABLE inbox IS
    'One row per accepted event: the memory against duplicates. Not partitioned, because a unique '
    'key across partitions would have to contain the time.';

-- For the order's timeline.
CREATE INDEX inbox_order_idx ON inbox (order_id);

CREATE TABLE parked_events (
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    inbox_id bigint NOT NULL,
    order_id uuid,
    occurred_at timestamptz NOT NULL,
    park_key text COLLATE "C" NOT NULL,
    -- What a key of a payment or dispute is made of.
    awaited_provider text COLLATE "C",
    awaited_ref text COLLATE "C",
    parked_at timestamptz NOT NULL,
    park_until timestamptz NOT NULL,
    -- The delivery as it came, and the queue it goes back to.
    queue text NOT NULL,
    kind event_kind NOT NULL,
    content_type text,
    message_id text,
    -- Without a key in clear; with one, the body holds the headers too, and both are sealed.
    key_id uuid,
    headers json,
    body bytea NOT NULL,
    CONSTRAINT parked_events_sealed_whole CHECK (key_id IS NULL OR headers IS NULL),
    CONSTRAINT parked_events_pkey PRIMARY KEY (source, event_id),
    CONSTRAINT parked_events_awaited_whole CHECK (
        (awaited_provider IS NULL) = (awaited_ref IS NULL)
    )
)
WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE parked_events IS
    'Events that came before their order, payment or dispute, byte for byte as they came; sealed '
    'with the key of their order, or of the day.';

-- Whoever creates a parent looks here.
CREATE INDEX parked_events_key_idx ON parked_events (park_key);
-- Who waited too long.
CREATE INDEX parked_events_until_idx ON parked_events (park_until);
-- For the order's timeline.
CREATE INDEX parked_events_order_idx ON parked_events (order_id);

CREATE VIEW stranded_events AS
SELECT parked.source, parked.event_id, parked.park_key, parked.parked_at
FROM parked_events AS parked
WHERE
    CASE split_part(parked.park_key, ':', 1)
        WHEN 'order' THEN EXISTS (
            SELECT FROM orders WHERE orders.id = parked.order_id
        )
        -- More money is awaited, not the first.
        WHEN 'capture' THEN EXISTS (
            SELECT FROM transfers
            WHERE
                transfers.subject_id = parked.order_id
                AND transfers.code = 'capture'
                AND transfers.recorded_at > parked.parked_at
        )
        -- One that names another order than its payment or dispute has waits in vain.
        WHEN 'payment' THEN EXISTS (
            SELECT FROM payment_attempts AS attempt
            WHERE
                attempt.provider = parked.awaited_provider
                AND attempt.provider_ref = parked.awaited_ref
                AND coalesce(parked.order_id, attempt.order_id) = attempt.order_id
        )
        WHEN 'dispute' THEN EXISTS (
            SELECT FROM disputes
            WHERE
                disputes.provider = parked.awaited_provider
                AND disputes.provider_ref = parked.awaited_ref
                AND coalesce(parked.order_id, disputes.order_id) = disputes.order_id
        )
        ELSE true
    END;
COMMENT ON VIEW stranded_events IS
    'Parked events whose parent is there: nobody will come for them (I27).';

CREATE TABLE outbox (
    -- Set once.
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id uuid NOT NULL,
    shard smallint NOT NULL
        GENERATED ALWAYS AS ((uuid_hash_extended(order_id, 0) & 15)::smallint) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    message_id text NOT NULL,
    exchange outbox_exchange NOT NULL,
    must_route boolean NOT NULL,
    routing_key text NOT NULL,
    type_name text NOT NULL,
    content_type text,
    -- As in parked_events; our own messages are in clear.
    key_id uuid,
    headers json,
    body bytea NOT NULL,
    -- Of a notification: when it holds no longer, whether it holds only while its order waits for
    -- its money, and the event that gave reason for it.
    not_after timestamptz,
    while_unpaid boolean NOT NULL DEFAULT false,
    inbox_id bigint,
    -- Moved by the relay.
    publish_after timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    -- When the relay let it go unsent: it held no longer.
    suppressed_at timestamptz,
    -- Leads with the order for its timeline; a partitioned key has to contain the time.
    CONSTRAINT outbox_pkey PRIMARY KEY (order_id, id, created_at),
    CONSTRAINT outbox_shard_range CHECK (shard BETWEEN 0 AND 15),
    CONSTRAINT outbox_attempts_counted CHECK (attempts >= 0),
    CONSTRAINT outbox_suppressed_is_done CHECK (
        suppressed_at IS NULL
        OR (sent_at IS NOT NULL AND (not_after IS NOT NULL OR while_unpaid))
    )
)
PARTITION BY RANGE (created_at);
COMMENT ON TABLE outbox IS
    'Messages to publish, written by the transaction that causes them; id order is the order of '
    'sending within one shard. Sent rows leave with their day''s partition. The nil order stands '
    'for an event whose order was never found.';

-- What the relay sends next; a sent row leaves it.
CREATE INDEX outbox_unsent_idx ON outbox (shard, id)
WHERE sent_at IS NULL;

-- Catches rows of a day for which nobody made a partition.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT
WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE FUNCTION ensure_outbox_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    first_day date;
    partition text;
    made integer := 0;
    lower_bound timestamptz;
    upper_bound timestamptz;
BEGIN
    -- Two callers at once would make the same partition.
    PERFORM pg_advisory_xact_lock(hashtext('ensure_outbox_partitions'), 0);
    FOR first_day IN SELECT today + ahead FROM generate_series(0, days_ahead) AS days (ahead)
    LOOP
        partition := 'outbox_' || to_char(first_day, 'YYYYMMDD');
        lower_bound := first_day::timestamp AT TIME ZONE 'UTC';
        upper_bound := (first_day + 1)::timestamp AT TIME ZONE 'UTC';
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        -- A day that began in the default partition stays there to its end.
        CONTINUE WHEN EXISTS (
            SELECT FROM outbox_default
            WHERE created_at >= lower_bound AND created_at < upper_bound
        );
        -- Made apart and then attached: writers of other partitions are not held up.
        EXECUTE format(
            'CREATE TABLE %I (LIKE outbox INCLUDING DEFAULTS INCLUDING GENERATED '
            'INCLUDING CONSTRAINTS) '
            'WITH (autovacuum_vacuum_scale_factor = 0.05)',
            partition
        );
        EXECUTE format(
            'ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, lower_bound, upper_bound
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;
COMMENT ON FUNCTION ensure_outbox_partitions(integer) IS
    'Makes the missing daily partitions from today to so many days ahead; returns how many.';

CREATE FUNCTION old_outbox_partitions(before timestamptz)
RETURNS TABLE (partition text, messages bigint, unsent bigint, bytes bigint)
LANGUAGE plpgsql AS $$
BEGIN
    FOR partition IN
        SELECT child.relname::text
        FROM pg_inherits
        INNER JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
        WHERE
            pg_inherits.inhparent = 'outbox'::regclass
            AND child.relname ~ '^outbox_[0-9]{8}$'
            AND (to_date(right(child.relname, 8), 'YYYYMMDD') + 1)::timestamp
                AT TIME ZONE 'UTC' <= before
        ORDER BY child.relname
    LOOP
        EXECUTE format(
            'SELECT count(*), count(*) FILTER (WHERE sent_at IS NULL) FROM %I', partition
        )
        INTO messages, unsent;
        bytes := pg_total_relation_size(partition::regclass);
        RETURN NEXT;
    END LOOP;
    partition := 'outbox_default';
    SELECT count(*), 0, coalesce(sum(pg_column_size(message)), 0)
    INTO messages, unsent, bytes
    FROM outbox_default AS message
    WHERE message.created_at < before AND message.sent_at IS NOT NULL;
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION old_outbox_partitions(timestamptz) IS
    'The daily partitions that end before a time, with what is in them; then what goes of the '
    'default partition.';

CREATE FUNCTION drop_outbox_partitions(before timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    unsent boolean;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT child.relname
        FROM pg_inherits
        INNER JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
        WHERE
            pg_inherits.inhparent = 'outbox'::regclass
            AND child.relname ~ '^outbox_[0-9]{8}$'
            AND (to_date(right(child.relname, 8), 'YYYYMMDD') + 1)::timestamp
                AT TIME ZONE 'UTC' <= before
        ORDER BY child.relname
    LOOP
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', partition);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE sent_at IS NULL)', partition)
        INTO unsent;
        IF unsent THEN
            RAISE WARNING 'partition % has unsent messages and stays', partition;
            CONTINUE;
        END IF;
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM outbox_default WHERE created_at < before AND sent_at IS NOT NULL;
    RETURN dropped;
END;
$$;
COMMENT ON FUNCTION drop_outbox_partitions(timestamptz) IS
    'Drops the daily partitions that end before a time, but none with unsent messages; returns '
    'how many.';

SELECT ensure_outbox_partitions(7);
