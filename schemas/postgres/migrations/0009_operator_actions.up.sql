-- What people may do about dead letters. Each function checks the role, acts, and notes it in the
-- audit; tables are changed in no other way by a person. Those that look through the whole table
-- set aside the planner settings of a lane, which knows nothing but keys.

CREATE FUNCTION dead_letters_matching(filter jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = on SET enable_hashjoin = on AS $$
BEGIN
    -- A block within a block: what cannot be declared is refused like what cannot be compared.
    DECLARE
        known CONSTANT text[] := ARRAY[
            'all', 'id', 'key', 'group', 'queue', 'type', 'class', 'code', 'order', 'build',
            'status', 'batch', 'changed_since', 'since', 'until', 'first_since', 'first_until',
            'min_attempts', 'max_attempts', 'min_replays', 'max_replays', 'text', 'not'
        ];
        stray text := (SELECT min(name) FROM jsonb_object_keys(filter) AS keys (name)
            WHERE name <> ALL (known));
        ids bigint[] := (SELECT array_agg(one::bigint)
            FROM jsonb_array_elements_text(filter -> 'id') AS many (one));
        batches bigint[] := (SELECT array_agg(one::bigint)
            FROM jsonb_array_elements_text(filter -> 'batch') AS many (one));
        statuses text[] := (SELECT array_agg(one)
            FROM jsonb_array_elements_text(filter -> 'status') AS many (one));
        prefixes text[] := (SELECT array_agg(one || '%')
            FROM jsonb_array_elements_text(filter -> 'group') AS many (one));
        pieces text[] := (SELECT array_agg(lower(one))
            FROM jsonb_array_elements_text(filter -> 'text') AS many (one));
        keys text[] := text_patterns(filter -> 'key');
        queues text[] := text_patterns(filter -> 'queue');
        types text[] := text_patterns(filter -> 'type');
        classes text[] := text_patterns(filter -> 'class');
        codes text[] := text_patterns(filter -> 'code');
        orders text[] := text_patterns(filter -> 'order');
        builds text[] := text_patterns(filter -> 'build');
        excluded bigint[];
    BEGIN
        IF stray IS NOT NULL THEN
            RAISE EXCEPTION 'unknown filter key %', stray USING ERRCODE = 'OF007';
        END IF;
        IF filter ? 'not' THEN
            excluded := ARRAY(
                -- Lax paths take one filter as a list of one.
                SELECT matched.id
                FROM
                    jsonb_path_query(filter -> 'not', '$[*]') AS many (one),
                    dead_letters_matching(one) AS matched (id)
            );
        END IF;
        RETURN QUERY
        SELECT letter.id
        FROM dead_letters AS letter
        WHERE
            (ids IS NULL OR letter.id = ANY (ids))
            AND (keys IS NULL OR letter.message_key LIKE ANY (keys))
            AND (prefixes IS NULL OR encode(letter.fingerprint, 'hex') LIKE ANY (prefixes))
            AND (queues IS NULL OR letter.source_queue LIKE ANY (queues))
            AND (types IS NULL OR letter.event_type LIKE ANY (types))
            AND (classes IS NULL OR letter.error_class LIKE ANY (classes))
            AND (codes IS NULL OR letter.error_code LIKE ANY (codes))
            AND (orders IS NULL OR letter.order_id LIKE ANY (orders))
            AND (builds IS NULL OR letter.worker_version LIKE ANY (builds))
            AND letter.status_changed_at
            >= coalesce((filter ->> 'changed_since')::timestamptz, '-infinity')
            AND letter.last_failed_at >= coalesce((filter ->> 'since')::timestamptz, '-infinity')
            AND letter.last_failed_at < coalesce((filter ->> 'until')::timestamptz, 'infinity')
            AND letter.first_failed_at
            >= coalesce((filter ->> 'first_since')::timestamptz, '-infinity')
            AND letter.first_failed_at
            < coalesce((filter ->> 'first_until')::timestamptz, 'infinity')
            AND letter.attempts
            BETWEEN coalesce((filter ->> 'min_attempts')::integer, 0)
            AND coalesce((filter ->> 'max_attempts')::integer, 2147483647)
            AND letter.replays
            BETWEEN coalesce((filter ->> 'min_replays')::integer, 0)
            AND coalesce((filter ->> 'max_replays')::integer, 2147483647)
            AND (
                pieces IS NULL
                OR NOT EXISTS (
                    SELECT FROM unnest(pieces) AS one (piece)
                    WHERE
                        position(
                            piece IN lower(
                                concat_ws(
                                    ' ', letter.message_key, letter.event_type, letter.order_id,
                                    letter.error_code, letter.error_detail
                                )
                            )
                        ) = 0
                )
            )
            AND (
                statuses IS NULL
                OR (letter.status <> 'claimed' AND letter.status::text = ANY (statuses))
                OR (
                    letter.status = 'claimed'
                    AND EXISTS (
                        SELECT FROM replay_items AS item
                        WHERE
                            item.letter_id = letter.id
                            AND item.state IN ('claimed', 'sending', 'sent')
                            AND item.state::text = ANY (statuses)
                    )
                )
            )
            AND (
                batches IS NULL
                OR letter.id IN (
                    SELECT item.letter_id
                    FROM replay_items AS item
                    WHERE item.batch_id = ANY (batches)
                )
            )
            AND (excluded IS NULL OR letter.id <> ALL (excluded));
    END;
EXCEPTION
    WHEN invalid_text_representation OR invalid_datetime_format OR datetime_field_overflow
        OR numeric_value_out_of_range OR invalid_parameter_value THEN
        RAISE EXCEPTION 'a value of the filter is not understood: %', sqlerrm
            USING ERRCODE = 'OF007';
END;
$$;
COMMENT ON FUNCTION dead_letters_matching(jsonb) IS
    'The dead letters that a filter selects. Its keys are joined by "and", the texts of a list by '
    '"or"; * in a text stands for anything, "not" holds a filter of what is left out, or a list of '
    'them.';

CREATE FUNCTION require_filter(filter jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF filter IS NULL OR filter = '{}' OR (filter - 'all' = '{}' AND filter -> 'all' <> 'true') THEN
        RAISE EXCEPTION 'an empty filter selects nothing; say all to mean everything'
            USING ERRCODE = 'OF001';
    END IF;
END;
$$;
COMMENT ON FUNCTION require_filter(jsonb) IS
    'Refuses (OF001) to act on everything unless that is said.';

CREATE FUNCTION replay_limit() RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT 3 $$;
COMMENT ON FUNCTION replay_limit() IS 'How often a message is replayed unless that is forced.';

CREATE FUNCTION replay_plan(filter jsonb, most bigint, forced boolean)
RETURNS TABLE (set_digest bytea, selected bigint, held bigint, guarded bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = on SET enable_hashjoin = on AS $$
    WITH matching AS MATERIALIZED (
        SELECT letter.id, letter.status, letter.last_failed_at, letter.replays
        FROM dead_letters AS letter
        WHERE
            letter.id IN (SELECT dead_letters_matching(filter))
            AND letter.status IN ('parked', 'claimed')
    ),
    chosen AS (
        SELECT matching.id, matching.last_failed_at
        FROM matching
        WHERE matching.status = 'parked' AND (forced OR matching.replays < replay_limit())
        ORDER BY matching.id
        LIMIT most
    )
    SELECT
        (
            SELECT
                sha256(
                    convert_to(
                        coalesce(
                            string_agg(
                                chosen.id || ':' || extract(EPOCH FROM chosen.last_failed_at), ','
                                ORDER BY chosen.id
                            ),
                            ''
                        ),
                        'UTF8'
                    )
                )
            FROM chosen
        ),
        (SELECT count(*) FROM chosen),
        (SELECT count(*) FROM matching WHERE matching.status = 'claimed'),
        (
            SELECT count(*) FROM matching
            WHERE matching.status = 'parked' AND NOT forced AND matching.replays >= replay_limit()
        )
$$;
COMMENT ON FUNCTION replay_plan(jsonb, bigint, boolean) IS
    'What a replay would select now, and a digest by which a later one is held to it.';

CREATE FUNCTION replay_start(
    actor text, reason text, filter jsonb, filter_text text, target text,
    rate_per_second double precision, max_in_flight integer, canary integer, stop_percent integer,
    stop_after integer, max_backlog integer, most bigint, forced boolean, expected bytea
) RETURNS TABLE (batch_id bigint, claimed bigint, held bigint, guarded bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = on SET enable_hashjoin = on AS $$
#variable_conflict use_column
DECLARE
    planned record;
    found_digest bytea;
BEGIN
    PERFORM require_role('operator');
    PERFORM require_filter(replay_start.filter);
    -- Selected, locked and claimed in one statement: what comes later is not part of it, and what
    -- somebody else has in hand is passed over.
    WITH chosen AS MATERIALIZED (
        SELECT letter.id, letter.last_failed_at, letter.replays
        FROM dead_letters AS letter
        WHERE
            letter.id IN (SELECT dead_letters_matching(replay_start.filter))
            AND letter.status = 'parked'
            AND (replay_start.forced OR letter.replays < replay_limit())
        ORDER BY letter.id
        LIMIT replay_start.most
        FOR UPDATE SKIP LOCKED
    ),
    batch AS (
        INSERT INTO replay_batches (
            actor, reason, filter, filter_text, target, rate_per_second, max_in_flight, canary,
            stop_percent, stop_after, max_backlog, forced, canary_passed, selected, set_digest
        )
        SELECT
            trim(replay_start.actor), trim(replay_start.reason), replay_start.filter,
            replay_start.filter_text, replay_start.target, replay_start.rate_per_second,
            replay_start.max_in_flight, replay_start.canary, replay_start.stop_percent,
            replay_start.stop_after, replay_start.max_backlog, replay_start.forced,
            replay_start.canary = 0, count(*),
            sha256(
                convert_to(
                    coalesce(
                        string_agg(
                            chosen.id || ':' || extract(EPOCH FROM chosen.last_failed_at), ','
                            ORDER BY chosen.id
                        ),
                        ''
                    ),
                    'UTF8'
                )
            )
        FROM chosen
        RETURNING id, set_digest
    ),
    items AS (
        INSERT INTO replay_items (batch_id, letter_id, replay)
        SELECT batch.id, chosen.id, chosen.replays + 1
        FROM batch
        CROSS JOIN chosen
        ORDER BY chosen.id
        RETURNING letter_id
    ),
    moved AS (
        UPDATE dead_letters AS letter
        SET status = 'claimed', status_changed_at = now(), replays = letter.replays + 1
        FROM items
        WHERE letter.id = items.letter_id
        RETURNING letter.id
    )
    SELECT batch.id, (SELECT count(*) FROM moved), batch.set_digest
    INTO batch_id, claimed, found_digest
    FROM batch;
    SELECT * INTO planned
    FROM replay_plan(replay_start.filter, NULL, replay_start.forced);
    -- Ours are held by us.
    held := greatest(planned.held - claimed, 0);
    guarded := planned.guarded;
    IF expected IS NOT NULL AND expected <> found_digest THEN
        RAISE EXCEPTION 'the selection is not the one that was planned' USING ERRCODE = 'OF003';
    END IF;
    IF claimed = 0 AND (held > 0 OR planned.selected > 0) THEN
        RAISE EXCEPTION 'all that match are held by another replay' USING ERRCODE = 'OF004';
    END IF;
    IF claimed = 0 AND guarded > 0 THEN
        RAISE EXCEPTION 'all that match were replayed % times', replay_limit()
            USING ERRCODE = 'OF006';
    END IF;
    IF claimed = 0 THEN
        RAISE EXCEPTION 'nothing matches' USING ERRCODE = 'OF002';
    END IF;
    PERFORM audit_append(
        actor, 'operator', 'replay.start', 'replay:' || batch_id, reason,
        jsonb_build_object(
            'filter', filter, 'target', target, 'rate_per_second', rate_per_second,
            'max_in_flight', max_in_flight, 'canary', canary, 'stop_percent', stop_percent,
            'stop_after', stop_after, 'forced', forced, 'claimed', claimed, 'held', held,
            'guarded', guarded, 'set', encode(found_digest, 'hex')
        )
    );
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION replay_start(
    text, text, jsonb, text, text, double precision, integer, integer, integer, integer, integer,
    bigint, boolean, bytea
) IS
    'Freezes a selection and claims it for a new replay. How many it claimed, how many others '
    'hold, how many were replayed too often. With a digest of a plan, only that very selection.';

CREATE FUNCTION replay_pause(actor text, reason text, batch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM require_role('operator');
    PERFORM replay_in_state(batch, ARRAY['running']::replay_batch_state[]);
    UPDATE replay_batches SET state = 'paused', state_changed_at = now() WHERE id = batch;
    PERFORM audit_append(actor, 'operator', 'replay.pause', 'replay:' || batch, reason, '{}');
END;
$$;
COMMENT ON FUNCTION replay_pause(text, text, bigint) IS
    'Sends nothing more of a replay until it is resumed; what was sent goes on.';

CREATE FUNCTION replay_resume(actor text, reason text, batch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM require_role('operator');
    PERFORM replay_in_state(batch, ARRAY['paused', 'stopped']::replay_batch_state[]);
    UPDATE replay_batches
    SET
        state = 'running', state_changed_at = now(), stopped_because = NULL,
        -- Time that passed in between is not made up for.
        paced_at = now(), judged_from = now()
    WHERE id = batch;
    PERFORM audit_append(actor, 'operator', 'replay.resume', 'replay:' || batch, reason, '{}');
END;
$$;
COMMENT ON FUNCTION replay_resume(text, text, bigint) IS
    'Goes on with a replay that was paused or stopped itself; its failures count anew.';

CREATE FUNCTION replay_cancel(actor text, reason text, batch bigint, release_sent boolean)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    released bigint;
BEGIN
    PERFORM require_role('operator');
    PERFORM replay_in_state(
        batch, ARRAY['running', 'paused', 'stopped', 'cancelled']::replay_batch_state[]
    );
    UPDATE replay_batches
    SET state = 'cancelled', state_changed_at = now(), stopped_because = NULL
    WHERE id = batch;
    -- Letters before items, as everybody does.
    UPDATE dead_letters AS letter
    SET status = 'parked', status_changed_at = now(), replays = letter.replays - 1
    FROM replay_items AS item
    WHERE
        item.batch_id = batch AND item.letter_id = letter.id AND letter.status = 'claimed'
        AND (item.state = 'claimed' OR (release_sent AND item.state = 'sent'));
    UPDATE replay_items
    SET state = 'skipped', state_changed_at = now(), code = 'cancelled'
    WHERE
        batch_id = batch AND (state = 'claimed' OR (release_sent AND state = 'sent'));
    GET DIAGNOSTICS released = ROW_COUNT;
    PERFORM audit_append(
        actor, 'operator', 'replay.cancel', 'replay:' || batch, reason,
        jsonb_build_object('released', released, 'release_sent', release_sent)
    );
    RETURN released;
END;
$$;
COMMENT ON FUNCTION replay_cancel(text, text, bigint, boolean) IS
    'Gives back what was not sent yet; if asked, also what was sent and of which nothing was '
    'heard. How many.';

CREATE FUNCTION replay_in_state(batch bigint, allowed replay_batch_state[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    found replay_batch_state;
BEGIN
    SELECT state INTO found FROM replay_batches WHERE id = batch FOR UPDATE;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no replay %', batch USING ERRCODE = 'OF008';
    END IF;
    IF found <> ALL (allowed) THEN
        RAISE EXCEPTION 'replay % is %', batch, found USING ERRCODE = 'OF005';
    END IF;
END;
$$;
COMMENT ON FUNCTION replay_in_state(bigint, replay_batch_state[]) IS
    'Locks a replay; refuses (OF005) one that is in another state.';

CREATE FUNCTION dlq_archive(
    actor text, reason text, reason_code text, filter jsonb, filter_text text, most bigint
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = on SET enable_hashjoin = on AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM require_role('operator');
    PERFORM require_filter(filter);
    IF reason_code <> ALL (archive_codes()) THEN
        RAISE EXCEPTION 'unknown reason code %', reason_code USING ERRCODE = 'OF007';
    END IF;
    WITH chosen AS (
        SELECT letter.id
        FROM dead_letters AS letter
        WHERE letter.id IN (SELECT dead_letters_matching(filter)) AND letter.status = 'parked'
        ORDER BY letter.id
        LIMIT most
        FOR UPDATE SKIP LOCKED
    )
    UPDATE dead_letters AS letter
    SET status = 'archived', status_changed_at = now(), archived_code = reason_code
    FROM chosen
    WHERE letter.id = chosen.id;
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM require_changed(changed, filter);
    PERFORM audit_append(
        actor, 'operator', 'dlq.archive', 'filter:' || filter_text, reason,
        jsonb_build_object('filter', filter, 'code', reason_code, 'changed', changed)
    );
    RETURN changed;
END;
$$;
COMMENT ON FUNCTION dlq_archive(text, text, text, jsonb, text, bigint) IS
    'Puts parked letters aside for good: retention may take them. How many.';

CREATE FUNCTION archive_codes() RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['handled', 'obsolete', 'duplicate', 'publisher-fixed', 'test-data', 'other']
$$;
COMMENT ON FUNCTION archive_codes() IS 'Why letters are archived.';

CREATE FUNCTION require_changed(changed bigint, filter jsonb) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF changed > 0 THEN
        RETURN;
    END IF;
    IF EXISTS (
        SELECT FROM dead_letters
        WHERE id IN (SELECT dead_letters_matching(filter)) AND status = 'claimed'
    ) THEN
        RAISE EXCEPTION 'what matches is held by a replay' USING ERRCODE = 'OF004';
    END IF;
    RAISE EXCEPTION 'nothing matches' USING ERRCODE = 'OF002';
END;
$$;
COMMENT ON FUNCTION require_changed(bigint, jsonb) IS
    'Says why nothing was changed: nothing matches (OF002), or it is held (OF004).';

CREATE FUNCTION dlq_restore(
    actor text, reason text, filter jsonb, filter_text text, most bigint
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_seqscan = on SET enable_hashjoin = on AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM require_role('operator');
    PERFORM require_filter(filter);
    WITH chosen AS (
        SELECT letter.id
        FROM dead_letters AS letter
        WHERE
            letter.id IN (SELECT dead_letters_matching(filter))
            AND letter.status = 'archived'
            AND letter.erased_at IS NULL
        ORDER BY letter.id
        LIMIT most
        FOR UPDATE SKIP LOCKED
    )
    UPDATE dead_letters AS letter
    SET status = 'parked', status_changed_at = now(), archived_code = NULL
    FROM chosen
    WHERE letter.id = chosen.id;
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM require_changed(changed, filter);
    PERFORM audit_append(
        actor, 'operator', 'dlq.restore', 'filter:' || filter_text, reason,
        jsonb_build_object('filter', filter, 'changed', changed)
    );
    RETURN changed;
END;
$$;
COMMENT ON FUNCTION dlq_restore(text, text, jsonb, text, bigint) IS
    'Takes archived letters back. How many.';

REVOKE ALL ON FUNCTION
dead_letters_matching(jsonb), replay_plan(jsonb, bigint, boolean),
replay_start(
    text, text, jsonb, text, text, double precision, integer, integer, integer, integer, integer,
    bigint, boolean, bytea
),
replay_pause(text, text, bigint), replay_resume(text, text, bigint),
replay_cancel(text, text, bigint, boolean),
dlq_archive(text, text, text, jsonb, text, bigint), dlq_restore(text, text, jsonb, text, bigint)
FROM public;
GRANT EXECUTE ON FUNCTION
dead_letters_matching(jsonb), replay_plan(jsonb, bigint, boolean)
TO orderflow_reader;
GRANT EXECUTE ON FUNCTION
replay_start(
    text, text, jsonb, text, text, double precision, integer, integer, integer, integer, integer,
    bigint, boolean, bytea
),
replay_pause(text, text, bigint), replay_resume(text, text, bigint),
replay_cancel(text, text, bigint, boolean),
dlq_archive(text, text, text, jsonb, text, bigint), dlq_restore(text, text, jsonb, text, bigint)
TO orderflow_operator;
