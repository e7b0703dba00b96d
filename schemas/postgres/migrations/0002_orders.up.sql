-- The order and what belongs to it. Every key leads with the order, so that one batch of orders is
-- read by `order_id = ANY(..)` from the primary keys alone. There are no foreign keys between
-- these tables: a per-row check would cost more than the row, every writer holds the order's
-- advisory lock, and the view `violations` proves that no row is without its order.

CREATE TABLE orders (
    -- Set once.
    id uuid NOT NULL,
    merchant_id text NOT NULL,
    customer_ref text NOT NULL,
    currency currency_code NOT NULL,
    placed_at timestamptz NOT NULL,
    -- Replaced by a later revision of the shop's.
    total_minor bigint NOT NULL,
    revision integer NOT NULL,
    expires_at timestamptz NOT NULL,
    method payment_method,
    locale text,
    reservation_id text,
    lines json,
    -- What the buyer agreed to, if anything: marketing, recovery, at, version.
    consent json,
    policy_version text NOT NULL,
    -- Moved by events.
    status order_status NOT NULL,
    amount_changed boolean NOT NULL,
    paid_at timestamptz,
    closed_at timestamptz,
    close_reason close_reason,
    held_since timestamptz,
    stock_released_at timestamptz,
    accepted_shortfall_minor bigint,
    history_len integer NOT NULL,
    ledger_len integer NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_total_range CHECK (total_minor BETWEEN 0 AND 999999999999),
    CONSTRAINT orders_revision_positive CHECK (revision > 0),
    CONSTRAINT orders_window_not_empty CHECK (expires_at > placed_at),
    CONSTRAINT orders_closed_with_time CHECK (
        (status IN ('expired', 'cancelled')) = (closed_at IS NOT NULL)
    ),
    CONSTRAINT orders_closed_with_reason CHECK (
        (closed_at IS NULL) = (close_reason IS NULL)
    ),
    CONSTRAINT orders_paid_with_time CHECK (status <> 'paid' OR paid_at IS NOT NULL),
    CONSTRAINT orders_shortfall_range CHECK (
        accepted_shortfall_minor BETWEEN 1 AND total_minor
    ),
    CONSTRAINT orders_counters_positive CHECK (
        history_len > 0 AND ledger_len >= 0 AND version > 0
    )
)
-- An order is rewritten soon after it was placed, often together with its neighbours: room for all
-- of them on the page keeps those updates out of the index.
WITH (fillfactor = 50);
COMMENT ON TABLE orders IS
    'One row per order; its counters number history and ledger, its version guards every write.';

-- Finds a customer's orders where policy or privacy asks for them: one small summary per range of
-- pages and no entry per order, so that placing one costs the same.
CREATE INDEX orders_customer_idx ON orders USING brin (customer_ref text_bloom_ops)
WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE payment_attempts (
    -- Set once.
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded bigint GENERATED ALWAYS AS IDENTITY,
    provider text COLLATE "C" NOT NULL,
    provider_ref text COLLATE "C" NOT NULL,
    -- Moved by events.
    status attempt_status NOT NULL,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    authorized_minor bigint NOT NULL,
    decline_code text,
    network_code text,
    decline_advice text,
    decline_category text,
    -- What was paid with.
    method_kind text,
    method_brand text,
    revision integer,
    occurred_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    CONSTRAINT payment_attempts_pkey PRIMARY KEY (order_id, id),
    -- One fact at a provider belongs to one order; also finds the order of a dispute.
    CONSTRAINT payment_attempts_provider_ref_key UNIQUE (provider, provider_ref),
    CONSTRAINT payment_attempts_amount_range CHECK (amount_minor BETWEEN 1 AND 999999999999),
    CONSTRAINT payment_attempts_authorized_range CHECK (
        authorized_minor BETWEEN 0 AND 999999999999
    )
)
WITH (fillfactor = 85);
COMMENT ON TABLE payment_attempts IS 'One row per attempt to pay at a provider.';

CREATE TABLE captures (
    -- Set once.
    order_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    capture_ref text COLLATE "C" NOT NULL,
    recorded bigint GENERATED ALWAYS AS IDENTITY,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- Moved by events.
    applied_minor bigint NOT NULL,
    classification capture_class NOT NULL,
    reversed_at timestamptz,
    CONSTRAINT captures_pkey PRIMARY KEY (order_id, attempt_id, capture_ref),
    CONSTRAINT captures_amount_range CHECK (amount_minor BETWEEN 1 AND 999999999999),
    CONSTRAINT captures_applied_range CHECK (applied_minor BETWEEN 0 AND amount_minor)
);
COMMENT ON TABLE captures IS
    'Money that a provider took for us: a fact, corrected by reversal only.';

CREATE TABLE refunds (
    -- Set once.
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded bigint GENERATED ALWAYS AS IDENTITY,
    customer_ref text COLLATE "C" NOT NULL,
    request_key text COLLATE "C" NOT NULL,
    part smallint NOT NULL,
    reason refund_reason NOT NULL,
    requested_at timestamptz NOT NULL,
    -- Whether the goods go back on the shelf, if the wish says so.
    restock boolean,
    -- Moved by events.
    attempt_id uuid,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    status refund_status NOT NULL,
    funded_from account NOT NULL,
    decided_by text,
    first_approver text,
    code text,
    -- Until when its provider is not told of it.
    held_until timestamptz,
    provider_ref text COLLATE "C",
    settled_at timestamptz,
    last_event_at timestamptz NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (order_id, id),
    -- One cause is refunded once (cases 60 and 65).
    CONSTRAINT refunds_request_key_key UNIQUE (order_id, request_key, part),
    CONSTRAINT refunds_amount_range CHECK (amount_minor BETWEEN 0 AND 999999999999),
    CONSTRAINT refunds_amount_of_money CHECK (status = 'rejected' OR amount_minor > 0),
    CONSTRAINT refunds_attempt_known CHECK (status = 'rejected' OR attempt_id IS NOT NULL),
    CONSTRAINT refunds_held_before_told CHECK (held_until IS NULL OR status = 'approved'),
    CONSTRAINT refunds_part_range CHECK (part >= 0),
    CONSTRAINT refunds_funded_from_ours CHECK (funded_from IN ('customer_funds', 'suspense'))
)
WITH (fillfactor = 85);
COMMENT ON TABLE refunds IS 'Money to go back, wanted by a customer or by ourselves.';

-- Counts a customer's refunds of 90 days for the approval policy; our own refunds do not count.
-- The status is left out, so that its changes stay out of the indexes.
CREATE INDEX refunds_customer_idx ON refunds (customer_ref, requested_at)
WHERE reason NOT IN ('late_payment', 'overpaid', 'duplicate', 'order_cancelled');

CREATE TABLE disputes (
    -- Set once.
    order_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded bigint GENERATED ALWAYS AS IDENTITY,
    customer_ref text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    provider_ref text COLLATE "C" NOT NULL,
    attempt_id uuid NOT NULL,
    -- Moved by events.
    opened_at timestamptz NOT NULL,
    currency currency_code NOT NULL,
    amount_minor bigint NOT NULL,
    -- As the provider says it, where that is in another currency than the order.
    original_currency currency_code,
    original_minor bigint,
    fee_minor bigint NOT NULL,
    loss_minor bigint NOT NULL,
    stage dispute_stage NOT NULL,
    status dispute_status NOT NULL,
    reason dispute_reason NOT NULL,
    network_reason_code text,
    evidence_due_at timestamptz,
    evidence_submitted_at timestamptz,
    mediated_for dispute_party,
    deadline_missed boolean NOT NULL,
    closed_at timestamptz,
    last_event_at timestamptz NOT NULL,
    CONSTRAINT disputes_pkey PRIMARY KEY (order_id, id),
    -- One fact at a provider belongs to one order; also finds the order of a later report.
    CONSTRAINT disputes_provider_ref_key UNIQUE (provider, provider_ref),
    CONSTRAINT disputes_amount_range CHECK (amount_minor BETWEEN 1 AND 999999999999),
    CONSTRAINT disputes_original_whole CHECK (
        (original_currency IS NULL) = (original_minor IS NULL)
        AND original_currency <> currency
        AND original_minor BETWEEN 1 AND 999999999999
    ),
    CONSTRAINT disputes_fee_range CHECK (fee_minor BETWEEN 0 AND 999999999999),
    CONSTRAINT disputes_loss_range CHECK (loss_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT disputes_closed_with_time CHECK (
        (status IN ('won', 'lost', 'accepted', 'withdrawn')) = (closed_at IS NOT NULL)
    )
)
WITH (fillfactor = 85);
COMMENT ON TABLE disputes IS 'Payments contested by their buyer, by stage and status.';

-- Counts a customer's disputes of 90 days for the approval policy.
CREATE INDEX disputes_customer_idx ON disputes (customer_ref, opened_at);

CREATE TABLE timers (
    -- Set once.
    order_id uuid NOT NULL,
    kind timer_kind NOT NULL,
    owner_id uuid NOT NULL,
    -- Moved by events.
    generation integer NOT NULL,
    due_at timestamptz NOT NULL,
    status timer_status NOT NULL,
    resolved_at timestamptz,
    -- Moved by the scheduler, for the current generation.
    handed_over_at timestamptz,
    handovers integer NOT NULL DEFAULT 0,
    -- The trace of the event that armed it: `traceparent`, and behind a blank `tracestate`.
    trace text,
    CONSTRAINT timers_pkey PRIMARY KEY (order_id, kind, owner_id),
    CONSTRAINT timers_generation_positive CHECK (generation > 0),
    CONSTRAINT timers_resolved_with_time CHECK ((status = 'armed') = (resolved_at IS NULL)),
    CONSTRAINT timers_handovers_counted CHECK (
        handovers >= 0 AND (handed_over_at IS NULL OR handovers > 0)
    )
)
-- No room is left on its pages: each change of a timer is a change of the indexes below.
WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE timers IS
    'The latest arming of each timer: the truth of which the delayed exchange only carries copies.';

-- What the scheduler hands over next.
CREATE INDEX timers_resting_idx ON timers (due_at)
WHERE status = 'armed' AND handed_over_at IS NULL;
-- What the broker has; overdue ones were lost there.
CREATE INDEX timers_handed_over_idx ON timers (due_at)
WHERE status = 'armed' AND handed_over_at IS NOT NULL;

CREATE VIEW order_payments AS
SELECT
    orders.id AS order_id,
    orders.merchant_id,
    orders.status,
    CASE
        WHEN disputed.open THEN 'disputed'
        WHEN disputed.lost THEN 'charged_back'
        WHEN taken.applied > 0 THEN CASE
            WHEN back.of_order >= taken.applied THEN 'refunded'
            WHEN back.of_order > 0 THEN 'partially_refunded'
            WHEN taken.applied + coalesce(orders.accepted_shortfall_minor, 0) < orders.total_minor
                THEN 'partially_paid'
            WHEN taken.captured - taken.applied > back.of_excess THEN 'overpaid'
            ELSE 'paid'
        END
        WHEN taken.captured > 0 THEN CASE
            WHEN back.of_excess >= taken.captured THEN 'refunded' ELSE 'overpaid'
        END
        WHEN orders.status = 'paid' AND orders.total_minor = 0 THEN 'paid'
        WHEN tried.authorized THEN 'authorized'
        WHEN tried.under_way THEN 'in_progress'
        ELSE 'unpaid'
    END AS payment_status,
    taken.captured AS captured_minor,
    taken.applied AS applied_minor,
    back.of_order + back.of_excess AS refunded_minor
FROM orders
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(amount_minor), 0)::bigint AS captured,
        coalesce(sum(applied_minor), 0)::bigint AS applied
    FROM captures
    WHERE captures.order_id = orders.id AND captures.reversed_at IS NULL
) AS taken
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(amount_minor) FILTER (WHERE funded_from = 'customer_funds'), 0)::bigint
            AS of_order,
        coalesce(sum(amount_minor) FILTER (WHERE funded_from = 'suspense'), 0)::bigint
            AS of_excess
    FROM refunds
    WHERE refunds.order_id = orders.id AND refunds.status = 'succeeded'
) AS back
CROSS JOIN LATERAL (
    SELECT
        coalesce(bool_or(disputes.status IN ('needs_response', 'under_review')), false) AS open,
        coalesce(bool_or(disputes.status IN ('lost', 'accepted')), false) AS lost
    FROM disputes
    WHERE disputes.order_id = orders.id AND disputes.stage <> 'inquiry'
) AS disputed
CROSS JOIN LATERAL (
    SELECT
        coalesce(bool_or(attempt.status = 'authorized'), false) AS authorized,
        coalesce(
            bool_or(attempt.status IN ('initiated', 'requires_action', 'processing')), false
        ) AS under_way
    FROM payment_attempts AS attempt
    WHERE attempt.order_id = orders.id
) AS tried;
COMMENT ON VIEW order_payments IS
    'How far each order is paid, derived from its captures, refunds, disputes and attempts: no row '
    'stores it. What is over a total of nothing, or came for a closed order, is overpaid until it '
    'is back.';
