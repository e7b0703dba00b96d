-- Replays: what was selected, what became of each message, and what people may do about it.
--
-- Errors for people have codes of their own: OF001 no filter, OF002 nothing matches, OF003 another
-- selection than planned, OF004 held by somebody else, OF005 not in this state, OF006 refused by a
-- guard, OF007 not understood, OF008 not found. A missing role is 42501.

CREATE TABLE group_notes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    fingerprint bytea NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    note text NOT NULL,
    CONSTRAINT group_notes_pkey PRIMARY KEY (id),
    CONSTRAINT group_notes_group_fkey FOREIGN KEY (fingerprint)
    REFERENCES failure_groups (fingerprint) ON DELETE CASCADE,
    CONSTRAINT group_notes_length CHECK (length(note) BETWEEN 1 AND 4000)
);
CREATE INDEX group_notes_group_idx ON group_notes (fingerprint, id);
COMMENT ON TABLE group_notes IS 'What people found out about a group of failures.';

CREATE TABLE replay_batches (
    -- Set once.
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    login text NOT NULL DEFAULT session_user,
    reason text NOT NULL,
    filter jsonb NOT NULL,
    filter_text text NOT NULL,
    -- Another queue than the one that failed.
    target text,
    rate_per_second double precision NOT NULL,
    max_in_flight integer NOT NULL,
    canary integer NOT NULL,
    stop_percent integer NOT NULL,
    stop_after integer NOT NULL,
    max_backlog integer NOT NULL,
    forced boolean NOT NULL,
    selected integer NOT NULL,
    set_digest bytea NOT NULL,
    -- Moved by people and by the replayer.
    state replay_batch_state NOT NULL DEFAULT 'running',
    state_changed_at timestamptz NOT NULL DEFAULT now(),
    stopped_because text,
    -- How far its rate has been used up.
    paced_at timestamptz NOT NULL DEFAULT now(),
    canary_passed boolean NOT NULL,
    -- What ended before somebody resumed it does not stop it again.
    judged_from timestamptz NOT NULL DEFAULT now(),
    last_progress_at timestamptz,
    CONSTRAINT replay_batches_pkey PRIMARY KEY (id),
    CONSTRAINT replay_batches_said_by_whom_and_why CHECK (actor <> '' AND reason <> ''),
    CONSTRAINT replay_batches_rate_range CHECK (rate_per_second BETWEEN 0.01 AND 10000),
    CONSTRAINT replay_batches_limits_range CHECK (
        max_in_flight BETWEEN 1 AND 10000
        AND canary >= 0
        AND stop_percent BETWEEN 0 AND 100
        AND stop_after > 0
        AND max_backlog > 0
    ),
    CONSTRAINT replay_batches_stopped_with_cause CHECK (
        (state = 'stopped') = (stopped_because IS NOT NULL)
    )
);
COMMENT ON TABLE replay_batches IS 'One row per replay: who, why, what, how fast, and how it goes.';

-- What the replayer looks at.
CREATE INDEX replay_batches_open_idx ON replay_batches (id)
WHERE state <> 'done';

CREATE TABLE replay_items (
    -- Set once.
    id bigint GENERATED ALWAYS AS IDENTITY,
    batch_id bigint NOT NULL,
    letter_id bigint NOT NULL,
    -- The how manieth replay of its message this is.
    replay integer NOT NULL,
    -- Moved by the replayer, the consumer and the parker.
    state replay_item_state NOT NULL DEFAULT 'claimed',
    state_changed_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    tries integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    trace_id text,
    -- Why it was skipped or came back, as a stable code.
    code text,
    CONSTRAINT replay_items_pkey PRIMARY KEY (id),
    CONSTRAINT replay_items_batch_fkey FOREIGN KEY (batch_id) REFERENCES replay_batches (id),
    CONSTRAINT replay_items_letter_fkey FOREIGN KEY (letter_id)
    REFERENCES dead_letters (id) ON DELETE CASCADE,
    CONSTRAINT replay_items_counted CHECK (replay > 0 AND tries >= 0),
    CONSTRAINT replay_items_leased_while_sending CHECK (
        (state = 'sending') = (leased_until IS NOT NULL)
    )
)
WITH (fillfactor = 80);
COMMENT ON TABLE replay_items IS 'One row per message of a replay, and what became of it.';

-- Nobody replays what somebody else is replaying.
CREATE UNIQUE INDEX replay_items_open_key ON replay_items (letter_id)
WHERE state IN ('claimed', 'sending', 'sent');
-- What is next in a batch, and how it goes.
CREATE INDEX replay_items_batch_idx ON replay_items (batch_id, state, id);
-- The replays of one message.
CREATE INDEX replay_items_letter_idx ON replay_items (letter_id);

CREATE FUNCTION status_after_failure(letter bigint, before dead_letter_status, item bigint)
RETURNS dead_letter_status
LANGUAGE sql STABLE AS $$
    SELECT
        CASE
            WHEN EXISTS (
                SELECT FROM replay_items AS open
                WHERE
                    open.letter_id = letter
                    AND open.state IN ('claimed', 'sending', 'sent')
                    AND open.id IS DISTINCT FROM item
            ) THEN before
            ELSE 'parked'
        END
$$;
COMMENT ON FUNCTION status_after_failure(bigint, dead_letter_status, bigint) IS
    'The status of a letter that failed again in a replay, if in one: parked, unless another '
    'replay has it in hand.';

CREATE FUNCTION text_patterns(wanted jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT
        array_agg(
            replace(replace(replace(replace(one, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
        )
    FROM jsonb_array_elements_text(wanted) AS many (one)
$$;
COMMENT ON FUNCTION text_patterns(jsonb) IS
    'The patterns of a list of texts in which * stands for anything; null for no list.';

CREATE VIEW dead_letters_listed AS
SELECT
    letter.id,
    letter.source_queue,
    letter.message_key,
    letter.key_source::text,
    CASE letter.status WHEN 'claimed' THEN item.state::text ELSE letter.status::text END AS status,
    letter.status_changed_at,
    item.batch_id,
    letter.event_type,
    letter.order_id,
    letter.error_class,
    letter.error_code,
    letter.error_detail,
    encode(letter.fingerprint, 'hex') AS fingerprint,
    letter.attempts,
    letter.replays,
    letter.first_failed_at,
    letter.last_failed_at,
    letter.worker_version,
    letter.exchange,
    letter.routing_key,
    letter.properties,
    letter.key_id IS NOT NULL AS sealed,
    letter.erased_at,
    letter.edited_from,
    letter.archived_code,
    encode(letter.digest, 'hex') AS digest
FROM dead_letters AS letter
LEFT JOIN replay_items AS item
    ON
        letter.status = 'claimed'
        AND item.letter_id = letter.id
        AND item.state IN ('claimed', 'sending', 'sent');
COMMENT ON VIEW dead_letters_listed IS
    'Dead letters as they are listed: everything but headers and body. Of one that is being '
    'replayed the status is that of its replay.';

CREATE VIEW failure_groups_listed AS
SELECT
    encode(known.fingerprint, 'hex') AS fingerprint,
    known.source_queue,
    known.event_type,
    known.error_class,
    known.error_code,
    known.detail_pattern,
    known.first_build,
    known.first_seen_at,
    known.last_seen_at,
    coalesce(letters.parked, 0) AS parked,
    coalesce(letters.claimed, 0) AS claimed,
    coalesce(letters.resolved, 0) AS resolved,
    coalesce(letters.archived, 0) AS archived,
    letters.oldest_parked_at,
    letters.sample_id,
    (SELECT count(*) FROM group_notes WHERE group_notes.fingerprint = known.fingerprint) AS notes
FROM failure_groups AS known
LEFT JOIN (
    SELECT
        fingerprint,
        count(*) FILTER (WHERE status = 'parked') AS parked,
        count(*) FILTER (WHERE status = 'claimed') AS claimed,
        count(*) FILTER (WHERE status = 'resolved') AS resolved,
        count(*) FILTER (WHERE status = 'archived') AS archived,
        min(first_failed_at) FILTER (WHERE status = 'parked') AS oldest_parked_at,
        max(id) AS sample_id
    FROM dead_letters
    GROUP BY fingerprint
) AS letters ON letters.fingerprint = known.fingerprint;
COMMENT ON VIEW failure_groups_listed IS 'Groups of like failures with their counts.';

CREATE VIEW replay_batches_listed AS
SELECT batch.*, counts.*
FROM replay_batches AS batch
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE item.state = 'claimed') AS claimed,
        count(*) FILTER (WHERE item.state = 'sending') AS sending,
        count(*) FILTER (WHERE item.state = 'sent') AS sent,
        count(*) FILTER (WHERE item.state = 'resolved') AS resolved,
        count(*) FILTER (WHERE item.state = 'reparked') AS reparked,
        count(*) FILTER (WHERE item.state = 'returned') AS returned,
        count(*) FILTER (WHERE item.state = 'skipped') AS skipped
    FROM replay_items AS item
    WHERE item.batch_id = batch.id
) AS counts;
COMMENT ON VIEW replay_batches_listed IS 'Replays with what became of their messages, by state.';

GRANT SELECT ON
dead_letters_listed, failure_groups_listed, replay_batches_listed, dead_letter_attempts,
group_notes, replay_items
TO orderflow_reader;
GRANT SELECT (
    id, letter_id, proposed_at, proposed_by, proposed_login, reason, decided_at, decided_by,
    decided_login, approved, new_letter_id
) ON dead_letter_edits TO orderflow_reader;
-- Keys are of use only together with the key file.
GRANT SELECT (id, master, wrapped) ON subject_keys TO orderflow_operator;
GRANT SELECT, INSERT ON master_keys TO orderflow_operator;
-- An editor seals what they write; the update is never made, but locking a key asks for it.
GRANT SELECT, INSERT, UPDATE (created_at) ON subject_keys TO orderflow_editor;
GRANT SELECT, INSERT, UPDATE ON
dead_letters, dead_letter_attempts, failure_groups, subject_keys
TO orderflow_admin;
