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
    exchange text NOT NULL,
    routing_key text NOT NULL,
    properties jsonb NOT NULL,
    headers json NOT NULL,
    body bytea NOT NULL,
    digest bytea NOT NULL GENERATED ALWAYS AS (sha256(body)) STORED,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    -- Neither a retry nor a replay changes a body, but two bodies may claim one id.
    CONSTRAINT dead_letters_message_key UNIQUE (source_queue, message_key, digest),
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

CREATE TABLE dead_letters_raw (
    id bigint GENERATED ALWAYS AS IDENTITY,
    parked_at timestamptz NOT NULL DEFAULT now(),
    source_queue text NOT NULL,
    digest bytea NOT NULL,
    reason text NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT dead_letters_raw_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_raw_digest_length CHECK (octet_length(digest) = 32),
    -- The broker may hand the same one over twice.
    CONSTRAINT dead_letters_raw_digest_key UNIQUE (source_queue, digest)
);
COMMENT ON TABLE dead_letters_raw IS
    'Dead letters that do not fit dead_letters, kept byte for byte so that they block nothing.';
