-- Dead letters, moved here from the broker's queues to be found, grouped and replayed.

CREATE TABLE dead_letters (
    -- Set once.
    id bigint GENERATED ALWAYS AS IDENTITY,
    source_queue text COLLATE "C" NOT NULL,
    message_key text COLLATE "C" NOT NULL,
    key_source dead_letter_key_source NOT NULL,
    -- Moved by later failures of the same message; an older failure moves only the counters.
    status dead_letter_status NOT NULL DEFAULT 'parked',
    status_changed_at timestamptz NOT NULL DEFAULT now(),
    event_type text NOT NULL,
    order_id text,
    error_class text NOT NULL,
    error_code text NOT NULL,
    error_detail text,
    fingerprint bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    replays integer NOT NULL DEFAULT 0,
    first_failed_at timestamptz NOT NULL,
    last_failed_at timestamptz NOT NULL,
    worker_version text,
    -- The replay that failed, if this is its failure.
    replay_item bigint,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    properties jsonb NOT NULL,
    -- Without a key in clear; with one, the body holds the headers too, and both are sealed.
    key_id uuid,
    headers json,
    body bytea NOT NULL,
    -- Set when a person had headers and body destroyed.
    erased_at timestamptz,
    -- The letter of which a person made this one.
    edited_from bigint,
    -- Why it was archived, as a stable code.
    archived_code text COLLATE "C",
    -- SHA-256 of the body as it came.
    digest bytea NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    -- Neither a retry nor a replay changes a body, but two bodies may claim one id.
    CONSTRAINT dead_letters_message_key UNIQUE (source_queue, message_key, digest),
    CONSTRAINT dead_letters_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT dead_letters_sealed_whole CHECK (key_id IS NULL OR headers IS NULL),
    CONSTRAINT dead_letters_erased_whole CHECK (
        erased_at IS NULL OR (key_id IS NULL AND headers IS NULL AND body = '')
    ),
    CONSTRAINT dead_letters_attempts_positive CHECK (attempts > 0),
    CONSTRAINT dead_letters_replays_counted CHECK (replays >= 0),
    CONSTRAINT dead_letters_fingerprint_length CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT dead_letters_window_ordered CHECK (first_failed_at <= last_failed_at)
);
COMMENT ON TABLE dead_letters IS
    'One row per message and queue that gave up on it, with the latest failure. Headers are typed '
    'JSON and the body is bytes, so that a replay is exact.';

-- Groups of like failures, newest first.
CREATE INDEX dead_letters_group_idx ON dead_letters (fingerprint, last_failed_at)
WHERE status = 'parked';
-- What is not done with, page by page.
CREATE INDEX dead_letters_open_idx ON dead_letters (status, id)
WHERE status IN ('parked', 'claimed');

CREATE TABLE dead_letter_attempts (
    letter_id bigint NOT NULL,
    failed_at timestamptz NOT NULL,
    error_class text NOT NULL,
    error_code text NOT NULL,
    error_detail text,
    attempts integer NOT NULL,
    worker_version text,
    -- The replay that failed, if it was one.
    replay_item bigint,
    CONSTRAINT dead_letter_attempts_pkey PRIMARY KEY (letter_id, failed_at),
    CONSTRAINT dead_letter_attempts_positive CHECK (attempts > 0),
    CONSTRAINT dead_letter_attempts_letter_fkey FOREIGN KEY (letter_id)
    REFERENCES dead_letters (id) ON DELETE CASCADE
);
COMMENT ON TABLE dead_letter_attempts IS
    'Each failure of a dead letter: its first, and of the others the latest fifty.';

CREATE TABLE failure_groups (
    -- Set once.
    fingerprint bytea NOT NULL,
    source_queue text NOT NULL,
    event_type text NOT NULL,
    error_class text NOT NULL,
    error_code text NOT NULL,
    detail_pattern text NOT NULL,
    first_build text,
    -- Widened by what comes.
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    CONSTRAINT failure_groups_pkey PRIMARY KEY (fingerprint),
    CONSTRAINT failure_groups_fingerprint_length CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT failure_groups_window_ordered CHECK (first_seen_at <= last_seen_at)
);
COMMENT ON TABLE failure_groups IS
    'What like failures have in common: the rule by which they are alike, and when and by which '
    'build they were seen first. What finds 500 open groups goes to the group of the code other.';

CREATE TABLE dead_letter_edits (
    -- Set once.
    id bigint GENERATED ALWAYS AS IDENTITY,
    letter_id bigint NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT now(),
    proposed_by text NOT NULL,
    proposed_login text NOT NULL,
    reason text NOT NULL,
    -- Of the body that the patch was made for.
    base_digest bytea NOT NULL,
    -- The JSON Patch and the difference it makes: without a key in clear, with one sealed.
    key_id uuid,
    content bytea NOT NULL,
    -- Set by the second person.
    decided_at timestamptz,
    decided_by text,
    decided_login text,
    approved boolean,
    -- The letter that it became.
    new_letter_id bigint,
    CONSTRAINT dead_letter_edits_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letter_edits_letter_fkey FOREIGN KEY (letter_id)
    REFERENCES dead_letters (id) ON DELETE CASCADE,
    CONSTRAINT dead_letter_edits_digest_length CHECK (octet_length(base_digest) = 32),
    CONSTRAINT dead_letter_edits_decided_whole CHECK (
        (decided_at IS NULL) = (decided_by IS NULL)
        AND (decided_at IS NULL) = (decided_login IS NULL)
        AND (decided_at IS NULL) = (approved IS NULL)
    ),
    CONSTRAINT dead_letter_edits_two_people CHECK (
        NOT approved OR (decided_by <> proposed_by AND decided_login <> proposed_login)
    ),
    CONSTRAINT dead_letter_edits_approved_with_letter CHECK (
        coalesce(approved, false) = (new_letter_id IS NOT NULL)
    )
);
COMMENT ON TABLE dead_letter_edits IS
    'Changes of bodies that one person proposed and another one decided on.';

-- One at a time is proposed for a letter.
CREATE UNIQUE INDEX dead_letter_edits_open_key ON dead_letter_edits (letter_id)
WHERE decided_at IS NULL;

CREATE TABLE dead_letters_raw (
    id bigint GENERATED ALWAYS AS IDENTITY,
    parked_at timestamptz NOT NULL DEFAULT now(),
    source_queue text NOT NULL,
    digest bytea NOT NULL,
    reason text NOT NULL,
    -- The headers, a line break, the body: without a key in clear, with one sealed.
    key_id uuid,
    content bytea NOT NULL,
    CONSTRAINT dead_letters_raw_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_raw_digest_length CHECK (octet_length(digest) = 32),
    -- The broker may hand the same one over twice.
    CONSTRAINT dead_letters_raw_digest_key UNIQUE (source_queue, digest)
);
COMMENT ON TABLE dead_letters_raw IS
    'Dead letters that do not fit dead_letters, kept byte for byte so that they block nothing.';

CREATE TABLE suspects (
    queue text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    last_tried_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT suspects_pkey PRIMARY KEY (queue, event_id, source),
    CONSTRAINT suspects_tries_positive CHECK (tries > 0)
);
COMMENT ON TABLE suspects IS
    'Messages that were being decided alone when their worker ended, or are now; a message over '
    'which it ended too often is dead-lettered undecided.';

-- Keys of what shops sent, and who was erased.

CREATE TABLE master_keys (
    name text COLLATE "C" NOT NULL,
    proof bytea NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT master_keys_pkey PRIMARY KEY (name),
    CONSTRAINT master_keys_proof_length CHECK (octet_length(proof) = 32)
);
COMMENT ON TABLE master_keys IS
    'The names of the master keys in use, with a digest that tells two of one name apart. The keys '
    'themselves are in the key files of the processes and nowhere else.';

CREATE TABLE subject_keys (
    -- Set once.
    id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Moved by rotation, with the names of the master keys before: backups open with them.
    master text COLLATE "C" NOT NULL,
    masters_before text[] COLLATE "C" NOT NULL DEFAULT '{}',
    -- Gone for good once it is destroyed.
    wrapped bytea,
    destroyed_at timestamptz,
    CONSTRAINT subject_keys_pkey PRIMARY KEY (id),
    CONSTRAINT subject_keys_subject_form CHECK (
        subject ~ '^(order:[0-9a-f-]{36}|customer:.+|day:[0-9]{4}-[0-9]{2}-[0-9]{2})$'
    ),
    -- A nonce, 32 bytes, a tag.
    CONSTRAINT subject_keys_wrapped_length CHECK (octet_length(wrapped) = 60),
    CONSTRAINT subject_keys_destroyed_without_key CHECK (
        (wrapped IS NULL) = (destroyed_at IS NOT NULL)
    )
);
COMMENT ON TABLE subject_keys IS
    'The keys of bodies that shops sent: of an order, of a customer, or of a day for what names '
    'neither. Each is wrapped by a master key; a destroyed one keeps its row while something is '
    'sealed with it.';

-- A subject has one live key at a time.
CREATE UNIQUE INDEX subject_keys_live_key ON subject_keys (subject)
WHERE destroyed_at IS NULL;

CREATE TABLE erasures (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_ref text COLLATE "C" NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    erased_by text NOT NULL,
    reason text NOT NULL,
    forced boolean NOT NULL,
    keys_destroyed integer NOT NULL,
    letters_emptied integer NOT NULL,
    marks_deleted integer NOT NULL DEFAULT 0,
    CONSTRAINT erasures_pkey PRIMARY KEY (id),
    CONSTRAINT erasures_said_by_whom_and_why CHECK (erased_by <> '' AND reason <> ''),
    CONSTRAINT erasures_counted CHECK (
        keys_destroyed >= 0 AND letters_emptied >= 0 AND marks_deleted >= 0
    )
);
COMMENT ON TABLE erasures IS
    'Whose bodies were made unreadable, when, by whom and why. What comes later for them goes by '
    'the latest row.';

-- Whether somebody was erased.
CREATE INDEX erasures_customer_idx ON erasures (customer_ref);

CREATE TRIGGER erasures_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW keys_of_erased AS
SELECT key.id, key.subject, key.created_at, erased.erased_at
FROM subject_keys AS key
LEFT JOIN orders
    ON
        orders.id
        = CASE WHEN key.subject LIKE 'order:%' THEN substr(key.subject, 7)::uuid END
INNER JOIN (
    SELECT customer_ref, min(erased_at) AS erased_at
    FROM erasures
    GROUP BY customer_ref
) AS erased
    ON
        erased.customer_ref = coalesce(
            orders.customer_ref,
            CASE WHEN key.subject LIKE 'customer:%' THEN substr(key.subject, 10) END
        )
WHERE key.destroyed_at IS NULL;
COMMENT ON VIEW keys_of_erased IS
    'Live keys of erased customers and their orders: made since, for what came later.';

CREATE VIEW readable_of_erased AS
SELECT subject AS name, greatest(created_at, erased_at) AS since
FROM keys_of_erased
UNION ALL
SELECT 'dead letter ' || letter.id, greatest(letter.last_failed_at, erased.erased_at)
FROM dead_letters AS letter
INNER JOIN orders ON orders.id::text = letter.order_id
INNER JOIN (
    SELECT customer_ref, min(erased_at) AS erased_at FROM erasures GROUP BY customer_ref
) AS erased
    ON erased.customer_ref = orders.customer_ref
WHERE letter.key_id IS NULL AND letter.erased_at IS NULL;
COMMENT ON VIEW readable_of_erased IS
    'What can still be read of erased customers, and since when: by their keys, or in clear (I24).';

CREATE VIEW sealed_content AS
SELECT key_id, true AS open FROM parked_events WHERE key_id IS NOT NULL
UNION ALL
SELECT key_id, sent_at IS NULL FROM outbox WHERE key_id IS NOT NULL
UNION ALL
SELECT key_id, status NOT IN ('resolved', 'archived')
FROM dead_letters
WHERE key_id IS NOT NULL
UNION ALL
SELECT key_id, decided_at IS NULL FROM dead_letter_edits WHERE key_id IS NOT NULL
UNION ALL
-- Nobody marks these as done; whoever is done with one deletes it.
SELECT key_id, true FROM dead_letters_raw WHERE key_id IS NOT NULL;
COMMENT ON VIEW sealed_content IS
    'Every use of a key; an open one is of something that is not done with.';

CREATE VIEW stored_content AS
SELECT
    'dead_letters' AS place, id::text AS item, id AS letter_id, key_id, order_id,
    first_failed_at AS stored_at
FROM dead_letters
WHERE erased_at IS NULL
UNION ALL
SELECT
    'dead_letter_edits', edit.id::text, edit.letter_id, edit.key_id, letter.order_id,
    edit.proposed_at
FROM dead_letter_edits AS edit
INNER JOIN dead_letters AS letter ON letter.id = edit.letter_id
WHERE edit.content <> ''
UNION ALL
SELECT 'dead_letters_raw', id::text, NULL, key_id, NULL, parked_at FROM dead_letters_raw
UNION ALL
SELECT 'parked_events', source || ' ' || event_id, NULL, key_id, order_id::text, parked_at
FROM parked_events
UNION ALL
SELECT 'outbox', id::text, NULL, key_id, order_id::text, created_at
FROM outbox
WHERE exchange = 'return' AND body <> ''
UNION ALL
-- What was sealed with it and is gone may lie in a backup.
SELECT 'subject_keys', subject, NULL, id, NULL, created_at FROM subject_keys;
COMMENT ON VIEW stored_content IS
    'Everything that shops sent and that lies here, sealed or not, and every key that sealed any.';

CREATE TABLE forgotten_events (
    forgotten_at timestamptz NOT NULL DEFAULT now(),
    up_to bigint NOT NULL,
    CONSTRAINT forgotten_events_pkey PRIMARY KEY (up_to)
);
COMMENT ON TABLE forgotten_events IS
    'How far the inbox was cut off by age: an older row of history or ledger may lack its event.';
