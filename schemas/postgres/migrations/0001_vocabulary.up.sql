-- Closed vocabularies. Every status is an ENUM: four bytes in the row, refused when misspelt, and
-- extended online by ALTER TYPE ... ADD VALUE. A test holds each one to the Rust type it mirrors.

CREATE TYPE currency_code AS ENUM (
    'AED', 'AFN', 'ALL', 'AMD', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BHD',
    'BIF', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF',
    'CLF', 'CLP', 'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK', 'DJF', 'DKK', 'DOP', 'DZD', 'EGP',
    'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GNF', 'GTQ', 'GYD',
    'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IQD', 'IRR', 'ISK', 'JMD', 'JOD', 'JPY',
    'KES', 'KGS', 'KHR', 'KMF', 'KPW', 'KRW', 'KWD', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD',
    'LSL', 'LYD', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK',
    'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'OMR', 'PAB', 'PEN', 'PGK',
    'PHP', 'PKR', 'PLN', 'PYG', 'QAR', 'RON', 'RSD', 'RUB', 'RWF', 'SAR', 'SBD', 'SCR', 'SDG',
    'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS',
    'TMT', 'TND', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'UYU', 'UZS', 'VED',
    'VES', 'VND', 'VUV', 'WST', 'XAF', 'XCD', 'XCG', 'XOF', 'XPF', 'YER', 'ZAR', 'ZMW', 'ZWG'
);

CREATE TYPE order_status AS ENUM ('pending_payment', 'paid', 'expired', 'cancelled');
CREATE TYPE close_reason AS ENUM (
    'payment_timeout', 'buyer', 'merchant', 'fraud', 'operator', 'customer_restricted',
    'refunded'
);
CREATE TYPE payment_method AS ENUM ('card', 'wallet', 'bank_transfer', 'other');

CREATE TYPE attempt_status AS ENUM (
    'initiated', 'requires_action', 'processing', 'declined', 'failed', 'authorized', 'voided',
    'authorization_expired', 'partially_captured', 'captured', 'capture_failed', 'review'
);
CREATE TYPE capture_class AS ENUM ('normal', 'late', 'held', 'duplicate', 'overpaid');

CREATE TYPE refund_status AS ENUM (
    'pending_review', 'approved', 'submitted', 'requires_action', 'succeeded', 'failed',
    'cancelled', 'rejected'
);
CREATE TYPE refund_reason AS ENUM (
    'requested_by_customer', 'duplicate', 'fraudulent', 'not_received', 'defective',
    'late_payment', 'overpaid', 'order_cancelled', 'goodwill'
);

-- In the order in which a dispute advances, so that stages compare.
CREATE TYPE dispute_stage AS ENUM ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration');
CREATE TYPE dispute_status AS ENUM (
    'needs_response', 'under_review', 'won', 'lost', 'accepted', 'withdrawn'
);
CREATE TYPE dispute_reason AS ENUM (
    'fraudulent', 'product_not_received', 'product_unacceptable', 'duplicate',
    'credit_not_processed', 'subscription_canceled', 'unrecognized', 'incorrect_amount', 'general'
);
CREATE TYPE dispute_party AS ENUM ('buyer', 'seller');

CREATE TYPE timer_kind AS ENUM (
    'payment_timeout', 'payment_reminder', 'customer_restriction_ends', 'dispute_evidence_due',
    'refund_review_due', 'refund_answer_due', 'unapplied_money_due', 'reserve_answer_due'
);
CREATE TYPE timer_status AS ENUM ('armed', 'fired', 'cancelled');

CREATE TYPE account AS ENUM (
    'psp_receivable', 'disputes_receivable', 'customer_funds', 'suspense', 'refunds_payable',
    'dispute_losses', 'dispute_fees'
);
CREATE TYPE journal_code AS ENUM (
    'capture', 'capture_reversed', 'refund_reserved', 'refund_released', 'refund_settled',
    'refund_reversed', 'dispute_opened', 'dispute_fee', 'dispute_won', 'dispute_lost',
    'dispute_loss_reversed', 'reinstated', 'unapplied_applied', 'unapplied_written_off'
);
CREATE TYPE unapplied_cause AS ENUM (
    'orphan', 'currency_mismatch', 'merchant_mismatch', 'fact_conflict'
);
CREATE TYPE unapplied_resolution AS ENUM ('applied', 'refunded', 'written_off');
CREATE TYPE unapplied_decision AS ENUM ('refund', 'write_off');

CREATE TYPE risk_rule AS ENUM (
    'refund_count', 'refund_ratio', 'dispute_count', 'low_value_disputes'
);

-- From mild to severe, so that levels compare.
CREATE TYPE restriction_level AS ENUM ('limited', 'prepaid_only');

CREATE TYPE policy_kind AS ENUM (
    'cancellation', 'customer_limit', 'customer_risk', 'dispute_answer', 'dispute_deadline',
    'dispute_mediation', 'late_money', 'notification', 'payment_hold', 'payment_reminder',
    'refund_approval', 'refund_review', 'unapplied_money'
);

CREATE TYPE consent_purpose AS ENUM ('marketing', 'recovery');

CREATE TYPE history_entity AS ENUM ('order', 'payment', 'refund', 'dispute');

CREATE TYPE event_kind AS ENUM (
    'order.created', 'order.cancel_requested', 'customer.consent_withdrawn',
    'payment.attempted', 'payment.unapplied_due', 'inventory.reserve_replied',
    'inventory.reserve_due', 'payment.timeout', 'payment.reminder',
    'refund.requested', 'refund.updated', 'refund.reviewed', 'refund.review_due',
    'dispute.opened', 'dispute.updated', 'dispute.evidence_submitted', 'dispute.mediated',
    'dispute.deadline'
);
CREATE TYPE inbox_outcome AS ENUM (
    'applied', 'noop', 'parked', 'orphaned', 'rejected', 'quarantined'
);
CREATE TYPE outbox_exchange AS ENUM ('events', 'return');

CREATE TYPE dead_letter_status AS ENUM ('parked', 'claimed', 'resolved', 'archived');
CREATE TYPE dead_letter_key_source AS ENUM ('ce', 'digest');

CREATE TYPE replay_batch_state AS ENUM ('running', 'paused', 'stopped', 'cancelled', 'done');
CREATE TYPE replay_item_state AS ENUM (
    'claimed', 'sending', 'sent', 'resolved', 'reparked', 'returned', 'skipped'
);

-- From least to most; the system is a process of ours, not a person.
CREATE TYPE operator_role AS ENUM ('reader', 'operator', 'editor', 'admin', 'system');

CREATE TABLE currencies (
    code currency_code NOT NULL,
    exponent smallint NOT NULL,
    CONSTRAINT currencies_pkey PRIMARY KEY (code),
    CONSTRAINT currencies_exponent_range CHECK (exponent BETWEEN 0 AND 4)
);
COMMENT ON TABLE currencies IS
    'ISO 4217 codes in use with the decimals of their minor unit.';

INSERT INTO currencies (code, exponent)
SELECT
    code,
    CASE
        WHEN code IN (
            'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND',
            'VUV', 'XAF', 'XOF', 'XPF'
        ) THEN 0
        WHEN code IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN code = 'CLF' THEN 4
        ELSE 2
    END
FROM unnest(enum_range(NULL::currency_code)) AS known (code);

CREATE TABLE transitions_allowed (
    entity history_entity NOT NULL,
    from_status text COLLATE "C" NOT NULL,
    to_status text COLLATE "C" NOT NULL,
    CONSTRAINT transitions_allowed_pkey PRIMARY KEY (entity, from_status, to_status)
);
COMMENT ON TABLE transitions_allowed IS
    'Legal edges of the four state machines; "none" is a beginning. History admits no other edge.';

INSERT INTO transitions_allowed (entity, from_status, to_status) VALUES
    ('order', 'none', 'pending_payment'),
    ('order', 'none', 'paid'),
    ('order', 'pending_payment', 'paid'),
    ('order', 'pending_payment', 'expired'),
    ('order', 'pending_payment', 'cancelled'),
    ('order', 'paid', 'cancelled'),
    ('order', 'expired', 'paid'),
    ('refund', 'none', 'pending_review'),
    ('refund', 'none', 'approved'),
    ('refund', 'none', 'rejected'),
    ('refund', 'pending_review', 'approved'),
    ('refund', 'pending_review', 'rejected');

-- Payments: any beginning; then only upwards in rank, but a capture may fail after all and a
-- failed or contradictory one may turn out captured.
WITH ranked (status, rank) AS (
    VALUES
        ('initiated'::attempt_status, 0), ('requires_action', 10), ('processing', 20),
        ('declined', 30), ('failed', 31), ('authorized', 40), ('voided', 50),
        ('authorization_expired', 51), ('partially_captured', 60), ('captured', 70),
        ('capture_failed', 80), ('review', 90)
)
INSERT INTO transitions_allowed (entity, from_status, to_status)
SELECT 'payment'::history_entity, 'none', status::text
FROM ranked
UNION ALL
SELECT 'payment', earlier.status::text, later.status::text
FROM ranked AS earlier
CROSS JOIN ranked AS later
WHERE
    CASE later.status
        WHEN 'capture_failed' THEN later.rank > earlier.rank OR earlier.status = 'review'
        WHEN 'captured' THEN later.rank > earlier.rank
            OR earlier.status IN ('capture_failed', 'review')
        ELSE later.rank > earlier.rank
    END;

-- Refunds at the provider: its last words (phase 1) follow each other freely, because a success
-- may be taken back and a failure may turn out a success; nothing goes back to before them.
WITH reported (status, phase) AS (
    VALUES
        ('approved'::refund_status, 0), ('submitted', 0), ('requires_action', 0),
        ('succeeded', 1), ('failed', 1), ('cancelled', 1)
)
INSERT INTO transitions_allowed (entity, from_status, to_status)
SELECT 'refund'::history_entity, earlier.status::text, later.status::text
FROM reported AS earlier
CROSS JOIN reported AS later
WHERE
    later.status NOT IN (earlier.status, 'approved')
    AND later.phase >= earlier.phase;

-- Disputes: any beginning; a later stage begins anywhere; within a stage never back to an earlier
-- phase, but decisions follow each other freely.
WITH phases (status, phase) AS (
    VALUES
        ('needs_response'::dispute_status, 0), ('under_review', 1), ('won', 2), ('lost', 2),
        ('accepted', 2), ('withdrawn', 2)
),
positions AS (
    SELECT stage, status, phase
    FROM unnest(enum_range(NULL::dispute_stage)) AS stages (stage)
    CROSS JOIN phases
)
INSERT INTO transitions_allowed (entity, from_status, to_status)
SELECT 'dispute'::history_entity, 'none', stage || ':' || status
FROM positions
UNION ALL
SELECT
    'dispute',
    earlier.stage || ':' || earlier.status,
    later.stage || ':' || later.status
FROM positions AS earlier
CROSS JOIN positions AS later
WHERE
    later.stage > earlier.stage
    OR (
        later.stage = earlier.stage
        AND later.status <> earlier.status
        AND later.phase >= earlier.phase
    );
