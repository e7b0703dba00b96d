-- Who may do what, and who did what.

-- Roles belong to the whole server: what is there already, from another database or an
-- administrator, is used as it is.
DO $$
DECLARE
    wanted text;
    above text;
BEGIN
    -- Two databases at once would make the same role.
    PERFORM pg_advisory_xact_lock(hashtext('orderflow_roles'), 0);
    FOR wanted, above IN
        VALUES
            ('orderflow_reader', NULL),
            ('orderflow_operator', 'orderflow_reader'),
            ('orderflow_editor', 'orderflow_operator'),
            ('orderflow_admin', 'orderflow_editor')
    LOOP
        BEGIN
            CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            IF above IS NOT NULL THEN
                EXECUTE format('GRANT %I TO %I', above, wanted);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END;
$$;

CREATE TABLE audit (
    id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    -- As whom the actor was connected.
    login text NOT NULL,
    role operator_role NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    reason text NOT NULL,
    detail jsonb NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (id),
    -- The chain has no branches.
    CONSTRAINT audit_previous_hash_key UNIQUE (previous_hash),
    CONSTRAINT audit_said_by_whom_and_why CHECK (
        actor <> '' AND action <> '' AND object <> '' AND reason <> ''
    ),
    CONSTRAINT audit_hash_length CHECK (
        octet_length(previous_hash) = 32 AND octet_length(hash) = 32
    )
);
COMMENT ON TABLE audit IS
    'What people did and why, inputs and results in detail. Each row holds the hash of the one '
    'before, so that a row that was changed or removed shows.';

-- Who approved a refund before.
CREATE INDEX audit_approvals_idx ON audit (object, login) WHERE action = 'refund.approve';

CREATE TRIGGER audit_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION audit_hash(line audit) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(
        line.previous_hash || convert_to(
            jsonb_build_array(
                line.id,
                to_char(line.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                line.actor, line.login, line.role, line.action, line.object, line.reason,
                line.detail
            )::text,
            'UTF8'
        )
    )
$$;
COMMENT ON FUNCTION audit_hash(audit) IS
    'SHA-256 over the hash of the row before and everything that the row says.';

-- The owner of the tables may everything. Besides it only workers act as the system, by a role that
-- exists where each has one of its own (ops/postgres/roles.sql).
CREATE FUNCTION holds_role(wanted operator_role) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT
        pg_has_role(
            session_user,
            (SELECT relowner FROM pg_class WHERE oid = 'public.audit'::regclass),
            'MEMBER'
        )
        OR CASE
            WHEN wanted = 'system' THEN EXISTS (
                SELECT FROM pg_roles
                WHERE
                    pg_roles.rolname = 'orderflow_system'
                    AND pg_has_role(session_user, pg_roles.oid, 'MEMBER')
            )
            ELSE pg_has_role(session_user, 'orderflow_' || wanted, 'MEMBER')
        END
$$;
COMMENT ON FUNCTION holds_role(operator_role) IS
    'Whether the one who logged in may act in a role.';

CREATE FUNCTION require_role(wanted operator_role) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT holds_role(wanted) THEN
        RAISE EXCEPTION '% lacks the role %', session_user, wanted
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END;
$$;
COMMENT ON FUNCTION require_role(operator_role) IS
    'Refuses (42501) a login that lacks a role.';

CREATE FUNCTION audit_append(
    actor text, role operator_role, action text, object text, reason text, detail jsonb
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    line audit;
    other text;
BEGIN
    PERFORM require_role(audit_append.role);
    -- Until the end of the transaction: the next row needs the hash of this one.
    PERFORM pg_advisory_xact_lock(hashtext('audit'), 0);
    -- Two names of one login are one person.
    IF audit_append.action = 'refund.approve' THEN
        SELECT earlier.actor INTO other
        FROM audit AS earlier
        WHERE
            earlier.action = 'refund.approve'
            AND earlier.object = audit_append.object
            AND earlier.login = session_user
            AND earlier.actor <> trim(audit_append.actor)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '% approved % before, as %', session_user, audit_append.object, other
                USING ERRCODE = 'OF006';
        END IF;
    END IF;
    SELECT last.id, last.hash INTO line.id, line.previous_hash
    FROM audit AS last
    ORDER BY last.id DESC
    LIMIT 1;
    line.id := coalesce(line.id, 0) + 1;
    line.previous_hash := coalesce(line.previous_hash, sha256(''));
    line.recorded_at := clock_timestamp();
    line.actor := trim(audit_append.actor);
    line.login := session_user;
    line.role := audit_append.role;
    line.action := audit_append.action;
    line.object := audit_append.object;
    line.reason := trim(audit_append.reason);
    line.detail := coalesce(audit_append.detail, '{}');
    line.hash := audit_hash(line);
    INSERT INTO audit SELECT line.*;
    RETURN line.id;
END;
$$;
COMMENT ON FUNCTION audit_append(text, operator_role, text, text, text, jsonb) IS
    'Notes an action in the transaction that does it: by whom, in which role (which the login must '
    'have), on what, why, and with which inputs and result. Call it last: it holds a lock to the '
    'end of the transaction. Refuses (OF006) a login that approves a refund under another name '
    'than before. The number of the row.';

CREATE FUNCTION audit_verify()
RETURNS TABLE (lines bigint, last_id bigint, last_hash bytea, broken_id bigint, problem text)
LANGUAGE sql STABLE AS $$
    WITH checked AS (
        SELECT
            line.id,
            line.hash,
            CASE
                WHEN line.id <> coalesce(lag(line.id) OVER chain, 0) + 1 THEN 'rows are missing'
                WHEN line.previous_hash <> coalesce(lag(line.hash) OVER chain, sha256(''))
                    THEN 'it does not follow the row before'
                WHEN line.hash <> audit_hash(line) THEN 'it was changed'
            END AS problem
        FROM audit AS line
        WINDOW chain AS (ORDER BY line.id)
    ),
    broken AS (
        SELECT id, problem FROM checked WHERE problem IS NOT NULL ORDER BY id LIMIT 1
    )
    SELECT
        count(*),
        max(checked.id),
        (array_agg(checked.hash ORDER BY checked.id DESC))[1],
        (SELECT id FROM broken),
        (SELECT problem FROM broken)
    FROM checked
$$;
COMMENT ON FUNCTION audit_verify() IS
    'Checks the whole chain: how long it is, how it ends, and where it is broken first, if it is. '
    'Rows cut off its end show only against a number and hash noted elsewhere.';

CREATE TABLE operator_settings (
    only_row boolean NOT NULL DEFAULT true,
    edits_allowed boolean NOT NULL DEFAULT false,
    CONSTRAINT operator_settings_pkey PRIMARY KEY (only_row),
    CONSTRAINT operator_settings_one_row CHECK (only_row)
);
INSERT INTO operator_settings (only_row) VALUES (true);
COMMENT ON TABLE operator_settings IS 'What administrators allow operators, in one row.';

CREATE FUNCTION allow_edits(actor text, reason text, allowed boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE operator_settings SET edits_allowed = allowed;
    RETURN audit_append(
        actor, 'admin', 'settings.edits', 'settings', reason,
        jsonb_build_object('allowed', allowed)
    );
END;
$$;
COMMENT ON FUNCTION allow_edits(text, text, boolean) IS
    'Switches the editing of dead letters on or off; it is off at first.';

-- Whoever may not call a function is refused before its first statement.
REVOKE ALL ON FUNCTION
audit_append(text, operator_role, text, text, text, jsonb), allow_edits(text, text, boolean)
FROM public;
GRANT EXECUTE ON FUNCTION
audit_append(text, operator_role, text, text, text, jsonb) TO orderflow_reader;
GRANT EXECUTE ON FUNCTION allow_edits(text, text, boolean) TO orderflow_admin;
GRANT SELECT ON audit, operator_settings TO orderflow_reader;

-- An order's life, without the bodies of messages.
GRANT SELECT ON
orders, payment_attempts, captures, refunds, disputes, timers, history, transfers, judgements,
inbox, unapplied_money, order_payments, violations
TO orderflow_reader;
GRANT SELECT (
    inbox_id, order_id, kind, source, event_id, occurred_at, parked_at, park_key, park_until, queue
) ON parked_events TO orderflow_reader;
GRANT SELECT (
    id, order_id, message_id, exchange, routing_key, type_name, must_route, attempts, created_at,
    publish_after, sent_at, suppressed_at
) ON outbox TO orderflow_reader;
