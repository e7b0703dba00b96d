-- What is only ever added: history, ledger, and money without an order.

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END;
$$;
COMMENT ON FUNCTION refuse_change() IS 'Refuses every statement that changes an append-only table.';

CREATE TABLE retention_periods (
    kind text COLLATE "C" NOT NULL,
    keep interval NOT NULL,
    CONSTRAINT retention_periods_pkey PRIMARY KEY (kind),
    CONSTRAINT retention_periods_known CHECK (kind = 'ledger'),
    -- The memory against duplicates reaches back 400 days: what made a row is known as long.
    CONSTRAINT retention_periods_long_enough CHECK (keep >= INTERVAL '400 days')
);
INSERT INTO retention_periods (kind, keep) VALUES ('ledger', INTERVAL '10 years');
COMMENT ON TABLE retention_periods IS
    'How long orders, their history and their ledger are kept at least; the law of the place says '
    'it, so the owner of the tables changes it.';

CREATE FUNCTION refuse_early_deletion() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    keep interval := (
        SELECT period.keep FROM retention_periods AS period WHERE period.kind = 'ledger'
    );
BEGIN
    IF keep IS NULL OR OLD.recorded_at >= now() - keep THEN
        RAISE EXCEPTION '% is kept for %: % refused', TG_TABLE_NAME, keep, TG_OP
            USING ERRCODE = 'integrity_constraint_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN OLD;
END;
$$;
COMMENT ON FUNCTION refuse_early_deletion() IS
    'Refuses to delete a row of history, ledger or judgements before its time.';

CREATE TABLE history (
    order_id uuid NOT NULL,
    seq integer NOT NULL,
    inbox_id bigint NOT NULL,
    entity history_entity NOT NULL,
    entity_id uuid NOT NULL,
    from_status text COLLATE "C" NOT NULL,
    to_status text COLLATE "C" NOT NULL,
    reason text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (order_id, seq),
    CONSTRAINT history_seq_positive CHECK (seq > 0)
);
COMMENT ON TABLE history IS
    'Every change of a status, numbered per order, with the inbox row of the event that caused it.';

CREATE FUNCTION refuse_illegal_transitions() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    illegal record;
BEGIN
    -- A batch has many rows and few edges.
    SELECT edge.entity, edge.from_status, edge.to_status
    INTO illegal
    FROM (SELECT DISTINCT entity, from_status, to_status FROM added) AS edge
    WHERE NOT EXISTS (
        SELECT
        FROM transitions_allowed AS allowed
        WHERE
            allowed.entity = edge.entity
            AND allowed.from_status = edge.from_status
            AND allowed.to_status = edge.to_status
    )
    LIMIT 1;

    IF FOUND THEN
        RAISE EXCEPTION 'illegal transition of % from % to %',
            illegal.entity, illegal.from_status, illegal.to_status
            USING ERRCODE = 'check_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION refuse_illegal_transitions() IS
    'Holds new history to transitions_allowed, once per statement: a foreign key checks per row.';

CREATE TRIGGER history_transition_allowed
AFTER INSERT ON history
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION refuse_illegal_transitions();

CREATE TRIGGER history_append_only
BEFORE UPDATE OR TRUNCATE ON history
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER history_kept
BEFORE DELETE ON history
FOR EACH ROW EXECUTE FUNCTION refuse_early_deletion();

CREATE TABLE transfers (
    subject_id uuid NOT NULL,
    seq integer NOT NULL,
    journal integer NOT NULL,
    inbox_id bigint NOT NULL,
    code journal_code NOT NULL,
    debit account NOT NULL,
    credit account NOT NULL,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    reference text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (subject_id, seq),
    CONSTRAINT transfers_journal_within_ledger CHECK (journal BETWEEN 1 AND seq),
    CONSTRAINT transfers_accounts_differ CHECK (debit <> credit),
    CONSTRAINT transfers_amount_range CHECK (amount_minor BETWEEN 1 AND 999999999999)
);
COMMENT ON TABLE transfers IS
    'The ledger: each row moves an amount from one account to another, so no journal can be '
    'unbalanced. The subject is an order or a row of unapplied_money; rows of one journal have '
    'one cause.';

CREATE TRIGGER transfers_append_only
BEFORE UPDATE OR TRUNCATE ON transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER transfers_kept
BEFORE DELETE ON transfers
FOR EACH ROW EXECUTE FUNCTION refuse_early_deletion();

CREATE TABLE judgements (
    order_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    inbox_id bigint NOT NULL,
    policy policy_kind NOT NULL,
    verdict text NOT NULL,
    policy_version text NOT NULL,
    inputs json NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT judgements_pkey PRIMARY KEY (order_id, id)
);
COMMENT ON TABLE judgements IS
    'What a policy decided, by which version of the shop''s choices and on what, with the inbox '
    'row of the event that asked. Payment windows stand in their order''s own row.';

CREATE TRIGGER judgements_append_only
BEFORE UPDATE OR TRUNCATE ON judgements
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER judgements_kept
BEFORE DELETE ON judgements
FOR EACH ROW EXECUTE FUNCTION refuse_early_deletion();

CREATE TABLE consent_withdrawals (
    order_id uuid NOT NULL,
    inbox_id bigint NOT NULL,
    customer_ref text COLLATE "C" NOT NULL,
    purpose consent_purpose NOT NULL,
    text_version text,
    withdrawn_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT consent_withdrawals_pkey PRIMARY KEY (order_id, inbox_id)
);
CREATE INDEX consent_withdrawals_customer_idx ON consent_withdrawals (customer_ref, purpose);
COMMENT ON TABLE consent_withdrawals IS
    'What customers took back of what they had agreed to; read when a message that needs it is '
    'due.';

CREATE TRIGGER consent_withdrawals_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_withdrawals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE risk_flags (
    -- Set once.
    customer_ref text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    rule risk_rule NOT NULL,
    evidence uuid[] NOT NULL,
    policy_version text NOT NULL,
    raised_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Set by an operator.
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text,
    CONSTRAINT risk_flags_pkey PRIMARY KEY (customer_ref, id),
    CONSTRAINT risk_flags_with_evidence CHECK (cardinality(evidence) > 0),
    CONSTRAINT risk_flags_live_for_a_time CHECK (expires_at > raised_at),
    CONSTRAINT risk_flags_lifted_whole CHECK (
        num_nulls(lifted_at, lifted_by, lift_reason) IN (0, 3)
    )
);
COMMENT ON TABLE risk_flags IS
    'Customers with many refunds or disputes: while a flag lives, refunds of theirs need a person. '
    'A lifted one stays, so that what it rested on is not held against the customer again.';

CREATE TABLE customer_marks (
    customer_ref text COLLATE "C" NOT NULL,
    -- When orders of theirs expired unpaid, the oldest first.
    unpaid timestamptz[] NOT NULL,
    -- When orders of theirs were paid, once it was looked up; kept up to date from then on.
    paid timestamptz[],
    paid_looked_up_at timestamptz,
    level restriction_level,
    restricted_until timestamptz,
    -- The order whose expiry caused it, and whose timer ends it.
    restricted_by uuid,
    policy_version text,
    -- Set by an operator.
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text,
    updated_at timestamptz NOT NULL,
    CONSTRAINT customer_marks_pkey PRIMARY KEY (customer_ref),
    CONSTRAINT customer_marks_paid_looked_up CHECK (
        (paid IS NULL) = (paid_looked_up_at IS NULL)
    ),
    CONSTRAINT customer_marks_restriction_whole CHECK (
        num_nulls(level, restricted_until, restricted_by, policy_version) IN (0, 4)
    ),
    CONSTRAINT customer_marks_lifted_whole CHECK (
        num_nulls(lifted_at, lifted_by, lift_reason) IN (0, 3)
    )
);
COMMENT ON TABLE customer_marks IS
    'Customers of whom an order expired unpaid; whoever pays has no row here.';

CREATE TABLE unapplied_money (
    -- Set once.
    id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    capture_ref text COLLATE "C" NOT NULL,
    claimed_order uuid NOT NULL,
    attempt_id uuid NOT NULL,
    provider_ref text COLLATE "C" NOT NULL,
    merchant_id text,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    cause unapplied_cause NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Set by an operator; the rules do what it says.
    decision unapplied_decision,
    decided_by text,
    decision_reason text,
    decided_at timestamptz,
    -- Moved by events.
    refund_id uuid,
    refund_status refund_status,
    refund_code text,
    refund_provider_ref text COLLATE "C",
    refund_event_at timestamptz,
    resolved_at timestamptz,
    resolution unapplied_resolution,
    ledger_len integer NOT NULL,
    CONSTRAINT unapplied_money_pkey PRIMARY KEY (id),
    -- A report that comes twice, under two ids, books the money once.
    CONSTRAINT unapplied_money_capture_key UNIQUE (provider, capture_ref, cause),
    CONSTRAINT unapplied_money_amount_range CHECK (amount_minor BETWEEN 1 AND 999999999999),
    CONSTRAINT unapplied_money_resolved_with_time CHECK (
        (resolved_at IS NULL) = (resolution IS NULL)
    ),
    CONSTRAINT unapplied_money_decision_whole CHECK (
        num_nulls(decision, decided_by, decision_reason, decided_at) IN (0, 4)
    ),
    CONSTRAINT unapplied_money_refund_whole CHECK (
        num_nulls(refund_id, refund_status, refund_event_at) IN (0, 3)
    ),
    CONSTRAINT unapplied_money_refunded_by_refund CHECK (
        resolution <> 'refunded' OR refund_id IS NOT NULL
    ),
    CONSTRAINT unapplied_money_ledger_begun CHECK (ledger_len > 0)
);
COMMENT ON TABLE unapplied_money IS
    'Money that a provider took and that fits no order; booked to suspense in its own currency.';

-- Found with its order, known or not.
CREATE INDEX unapplied_money_claimed_order_idx ON unapplied_money (claimed_order);
-- Found by a dispute that names nothing but the payment.
CREATE INDEX unapplied_money_payment_idx ON unapplied_money (provider, provider_ref);
-- What waits for somebody, oldest first.
CREATE INDEX unapplied_money_open_idx ON unapplied_money (recorded_at) WHERE resolved_at IS NULL;

CREATE VIEW open_money AS
SELECT
    money.id,
    -- The latest movement of money that is open is the refund that failed.
    coalesce(
        (
            SELECT max(transfers.recorded_at)
            FROM transfers
            WHERE transfers.subject_id = money.id AND transfers.seq > 1
        ),
        money.recorded_at
    ) AS open_since
FROM unapplied_money AS money
WHERE money.resolved_at IS NULL;
COMMENT ON VIEW open_money IS
    'Money that fits no order and is not settled, and since when: it came then, or its refund '
    'failed.';

CREATE VIEW balances AS
SELECT subject_id, account, currency, sum(debit_minor) AS debit_minor
FROM (
    SELECT subject_id, debit AS account, currency, amount_minor AS debit_minor FROM transfers
    UNION ALL
    SELECT subject_id, credit, currency, -amount_minor FROM transfers
) AS sides
GROUP BY subject_id, account, currency;
COMMENT ON VIEW balances IS
    'What was debited to each account of an order or of unapplied money beyond what was credited.';
