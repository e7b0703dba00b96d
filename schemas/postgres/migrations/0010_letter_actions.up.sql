-- What people may do about a single dead letter or group: note, read, edit.

CREATE FUNCTION dlq_note(actor text, group_fingerprint bytea, note text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    noted bigint;
BEGIN
    PERFORM require_role('operator');
    IF NOT EXISTS (SELECT FROM failure_groups WHERE fingerprint = group_fingerprint) THEN
        RAISE EXCEPTION 'there is no such group' USING ERRCODE = 'OF008';
    END IF;
    INSERT INTO group_notes (fingerprint, actor, note)
    VALUES (group_fingerprint, trim(actor), trim(note))
    RETURNING id INTO noted;
    PERFORM audit_append(
        actor, 'operator', 'dlq.note', 'group:' || encode(group_fingerprint, 'hex'), note,
        jsonb_build_object('note', noted)
    );
    RETURN noted;
END;
$$;
COMMENT ON FUNCTION dlq_note(text, bytea, text) IS 'Adds a note to a group. Its number.';

CREATE FUNCTION dlq_content(actor text, reason text, purpose text, letters bigint[])
RETURNS TABLE (
    id bigint, source_queue text, message_key text, digest bytea, key_id uuid, headers json,
    body bytea, properties jsonb
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_role('operator');
    IF purpose <> ALL (ARRAY['show', 'unmask', 'export', 'edit', 'plan']) THEN
        RAISE EXCEPTION 'unknown purpose %', purpose USING ERRCODE = 'OF007';
    END IF;
    PERFORM audit_append(
        actor, 'operator', 'dlq.' || purpose,
        CASE cardinality(letters)
            WHEN 1 THEN 'letter:' || letters[1] ELSE cardinality(letters) || ' letters'
        END,
        reason, jsonb_build_object('letters', letters)
    );
    RETURN QUERY
    SELECT
        letter.id, letter.source_queue, letter.message_key, letter.digest, letter.key_id,
        letter.headers, letter.body, letter.properties
    FROM dead_letters AS letter
    WHERE letter.id = ANY (letters) AND letter.erased_at IS NULL
    ORDER BY letter.id;
END;
$$;
COMMENT ON FUNCTION dlq_content(text, text, text, bigint[]) IS
    'Headers and bodies of letters, sealed as they are stored. Who read which and why is noted.';

CREATE FUNCTION dlq_edit_propose(
    actor text, reason text, letter bigint, base_digest bytea, key_id uuid, content bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    known dead_letters;
    proposed bigint;
BEGIN
    PERFORM require_role('editor');
    IF NOT (SELECT edits_allowed FROM operator_settings) THEN
        RAISE EXCEPTION 'editing is not allowed here' USING ERRCODE = 'OF006';
    END IF;
    SELECT * INTO known FROM dead_letters WHERE id = letter FOR UPDATE;
    IF known.id IS NULL THEN
        RAISE EXCEPTION 'there is no dead letter %', letter USING ERRCODE = 'OF008';
    END IF;
    IF known.status <> 'parked' THEN
        RAISE EXCEPTION 'dead letter % is %', letter, known.status USING ERRCODE = 'OF005';
    END IF;
    IF known.digest <> dlq_edit_propose.base_digest THEN
        RAISE EXCEPTION 'dead letter % is another one', letter USING ERRCODE = 'OF003';
    END IF;
    BEGIN
        INSERT INTO dead_letter_edits (
            letter_id, proposed_by, proposed_login, reason, base_digest, key_id, content
        )
        VALUES (
            letter, trim(actor), session_user, trim(reason), dlq_edit_propose.base_digest,
            dlq_edit_propose.key_id, dlq_edit_propose.content
        )
        RETURNING id INTO proposed;
    EXCEPTION
        WHEN unique_violation THEN
            RAISE EXCEPTION 'another edit of dead letter % is not decided yet', letter
                USING ERRCODE = 'OF004';
    END;
    PERFORM audit_append(
        actor, 'editor', 'dlq.edit.propose', 'letter:' || letter, reason,
        jsonb_build_object(
            'edit', proposed, 'base', encode(dlq_edit_propose.base_digest, 'hex'),
            'content', encode(sha256(dlq_edit_propose.content), 'hex')
        )
    );
    RETURN proposed;
END;
$$;
COMMENT ON FUNCTION dlq_edit_propose(text, text, bigint, bytea, uuid, bytea) IS
    'Proposes a change of a parked letter''s body; the content is sealed by the caller. The '
    'number of the edit.';

CREATE FUNCTION dlq_edit_content(actor text, edit bigint)
RETURNS TABLE (letter_id bigint, base_digest bytea, key_id uuid, content bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_role('editor');
    PERFORM audit_append(
        actor, 'editor', 'dlq.edit.show', 'edit:' || edit, 'to decide on it', '{}'
    );
    RETURN QUERY
    SELECT known.letter_id, known.base_digest, known.key_id, known.content
    FROM dead_letter_edits AS known
    WHERE known.id = edit;
END;
$$;
COMMENT ON FUNCTION dlq_edit_content(text, bigint) IS
    'The patch of an edit and the difference it makes, sealed as they are stored.';

CREATE FUNCTION dlq_edit_open(actor text, edit bigint) RETURNS dead_letter_edits
LANGUAGE plpgsql AS $$
DECLARE
    known dead_letter_edits;
BEGIN
    PERFORM require_role('editor');
    SELECT * INTO known FROM dead_letter_edits WHERE id = edit FOR UPDATE;
    IF known.id IS NULL THEN
        RAISE EXCEPTION 'there is no edit %', edit USING ERRCODE = 'OF008';
    END IF;
    IF known.decided_at IS NOT NULL THEN
        RAISE EXCEPTION 'edit % is decided', edit USING ERRCODE = 'OF005';
    END IF;
    RETURN known;
END;
$$;
COMMENT ON FUNCTION dlq_edit_open(text, bigint) IS 'An edit that is not decided, locked.';

CREATE FUNCTION dlq_edit_approve(
    actor text, reason text, edit bigint, message_key text, order_id text, properties jsonb,
    key_id uuid, headers json, body bytea, digest bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    known dead_letter_edits := dlq_edit_open(dlq_edit_approve.actor, edit);
    made bigint;
BEGIN
    IF NOT (SELECT edits_allowed FROM operator_settings) THEN
        RAISE EXCEPTION 'editing is not allowed here' USING ERRCODE = 'OF006';
    END IF;
    IF known.proposed_by = trim(actor) OR known.proposed_login = session_user THEN
        RAISE EXCEPTION 'an edit is approved by somebody else than who proposed it'
            USING ERRCODE = 'OF006';
    END IF;
    UPDATE dead_letters
    SET status = 'archived', status_changed_at = now(), archived_code = 'edited'
    WHERE id = known.letter_id AND status = 'parked' AND dead_letters.digest = known.base_digest;
    IF NOT found THEN
        RAISE EXCEPTION 'dead letter % is not as it was when the edit was proposed', known.letter_id
            USING ERRCODE = 'OF003';
    END IF;
    INSERT INTO dead_letters (
        source_queue, message_key, key_source, event_type, order_id, error_class, error_code,
        error_detail, fingerprint, attempts, first_failed_at, last_failed_at, worker_version,
        exchange, routing_key, properties, key_id, headers, body, digest, edited_from
    )
    SELECT
        original.source_queue, dlq_edit_approve.message_key, 'ce', original.event_type,
        dlq_edit_approve.order_id, original.error_class, original.error_code,
        original.error_detail, original.fingerprint, 1, original.first_failed_at,
        original.last_failed_at, original.worker_version, original.exchange, original.routing_key,
        dlq_edit_approve.properties, dlq_edit_approve.key_id, dlq_edit_approve.headers,
        dlq_edit_approve.body, dlq_edit_approve.digest, original.id
    FROM dead_letters AS original
    WHERE original.id = known.letter_id
    RETURNING id INTO made;
    UPDATE dead_letter_edits
    SET
        decided_at = now(), decided_by = trim(actor), decided_login = session_user,
        approved = true, new_letter_id = made
    WHERE id = edit;
    PERFORM audit_append(
        actor, 'editor', 'dlq.edit.approve', 'letter:' || known.letter_id, reason,
        jsonb_build_object(
            'edit', edit, 'letter', made, 'digest', encode(dlq_edit_approve.digest, 'hex')
        )
    );
    RETURN made;
END;
$$;
COMMENT ON FUNCTION dlq_edit_approve(
    text, text, bigint, text, text, jsonb, uuid, json, bytea, bytea
) IS
    'Makes a new parked letter of an edit and archives the original. The approver is neither the '
    'person nor the login that proposed it. The new letter.';

CREATE FUNCTION dlq_edit_reject(actor text, reason text, edit bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known dead_letter_edits := dlq_edit_open(dlq_edit_reject.actor, edit);
BEGIN
    UPDATE dead_letter_edits
    SET
        decided_at = now(), decided_by = trim(actor), decided_login = session_user,
        approved = false
    WHERE id = edit;
    PERFORM audit_append(
        actor, 'editor', 'dlq.edit.reject', 'letter:' || known.letter_id, reason,
        jsonb_build_object('edit', edit)
    );
END;
$$;
COMMENT ON FUNCTION dlq_edit_reject(text, text, bigint) IS
    'Drops a proposed edit; the one who proposed it may, too.';

REVOKE ALL ON FUNCTION
dlq_note(text, bytea, text), dlq_content(text, text, text, bigint[]),
dlq_edit_propose(text, text, bigint, bytea, uuid, bytea), dlq_edit_content(text, bigint),
dlq_edit_open(text, bigint),
dlq_edit_approve(text, text, bigint, text, text, jsonb, uuid, json, bytea, bytea),
dlq_edit_reject(text, text, bigint)
FROM public;
GRANT EXECUTE ON FUNCTION
dlq_note(text, bytea, text), dlq_content(text, text, text, bigint[])
TO orderflow_operator;
GRANT EXECUTE ON FUNCTION
dlq_edit_propose(text, text, bigint, bytea, uuid, bytea), dlq_edit_content(text, bigint),
dlq_edit_approve(text, text, bigint, text, text, jsonb, uuid, json, bytea, bytea),
dlq_edit_reject(text, text, bigint)
TO orderflow_editor;
