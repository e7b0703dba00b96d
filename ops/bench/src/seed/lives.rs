//! Orders of every kind of life, as the workers would have left them; they violate nothing.
//!
//! Of a hundred orders 78 are paid, 10 expired, 4 wait, 4 are refunded in part, 1 is disputed, 1
//! lost a dispute, 1 was cancelled and got money afterwards, and 1 was paid too much. One in a
//! thousand has money in another currency beside it.

/// The life of an order by its number, as `life`.
const LIVES: &str = "
    SELECT n, {ID} AS id,
        CASE
            WHEN n % 100 < 78 THEN 'paid'
            WHEN n % 100 < 88 THEN 'expired'
            WHEN n % 100 < 92 THEN 'waiting'
            WHEN n % 100 < 96 THEN 'refunded'
            WHEN n % 100 = 96 THEN 'disputed'
            WHEN n % 100 = 97 THEN 'lost'
            WHEN n % 100 = 98 THEN 'cancelled'
            ELSE 'overpaid'
        END AS life
    FROM {NUMBERS}";

/// The statements that write them.
pub(crate) fn statements() -> Vec<String> {
    STATEMENTS.iter().map(|sql| sql.replace("{LIVES}", &format!("({LIVES})"))).collect()
}

const STATEMENTS: [&str; 10] = [
    "INSERT INTO inbox (
        inbox_id, source, event_id, kind, digest, occurred_at, received_at, order_id
    )
    OVERRIDING SYSTEM VALUE
    SELECT 10 * n + part, '{SOURCE}', gen_random_uuid()::text, kind::event_kind,
        sha256(convert_to(n || '/' || part, 'UTF8')), now() - interval '1 day',
        now() - interval '1 day', id
    FROM {LIVES} AS lives
    INNER JOIN (
        VALUES
            (0, 'order.created', ''), (1, 'payment.attempted', 'waiting'),
            (2, 'payment.timeout', '+expired'), (3, 'order.cancel_requested', '+cancelled'),
            (4, 'refund.requested', '+refunded'), (5, 'refund.updated', '+refunded'),
            (5, 'refund.updated', '+overpaid'), (6, 'dispute.opened', '+disputed'),
            (6, 'dispute.opened', '+lost'), (7, 'dispute.updated', '+lost')
    ) AS events (part, kind, lived)
        ON CASE WHEN lived LIKE '+%' THEN '+' || life = lived ELSE life <> lived END",
    "INSERT INTO orders (
        id, merchant_id, customer_ref, currency, placed_at, total_minor, revision, expires_at,
        method, reservation_id, status, amount_changed, paid_at, closed_at, close_reason,
        stock_released_at, history_len, ledger_len, version, policy_version
    )
    SELECT id, 'm-1', 's-' || n / 4, 'EUR', now() - interval '1 day', 10000, 1,
        now() + interval '1 day', 'card', 'r-' || n,
        (CASE
            WHEN life = 'waiting' THEN 'pending_payment'
            WHEN life IN ('expired', 'cancelled') THEN life
            ELSE 'paid'
        END)::order_status,
        false,
        CASE WHEN life NOT IN ('waiting', 'expired', 'cancelled') THEN now() END,
        closed_at,
        (CASE life WHEN 'expired' THEN 'payment_timeout' WHEN 'cancelled' THEN 'buyer' END)
            ::close_reason,
        closed_at, history_len, ledger_len, 2, 'defaults-1'
    FROM {LIVES} AS lives
    INNER JOIN (
        VALUES
            ('paid', 3, 1, false), ('expired', 3, 0, true), ('waiting', 1, 0, false),
            ('refunded', 5, 3, false), ('disputed', 4, 2, false), ('lost', 5, 4, false),
            ('cancelled', 4, 2, true), ('overpaid', 5, 4, false)
    ) AS lengths (life, history_len, ledger_len, closed) USING (life)
    CROSS JOIN LATERAL (SELECT CASE WHEN closed THEN now() END) AS closing (closed_at)",
    "INSERT INTO payment_attempts (
        order_id, id, provider, provider_ref, status, currency, amount_minor, authorized_minor,
        occurred_at, last_event_at
    )
    SELECT id, id, 'acme', 'seed-' || n,
        (CASE life WHEN 'expired' THEN 'declined' ELSE 'captured' END)::attempt_status, 'EUR',
        CASE life WHEN 'overpaid' THEN 12000 ELSE 10000 END, 0, now() - interval '1 day',
        now() - interval '1 day'
    FROM {LIVES} AS lives
    WHERE life <> 'waiting'",
    "INSERT INTO captures (
        order_id, attempt_id, capture_ref, currency, amount_minor, occurred_at, applied_minor,
        classification
    )
    SELECT id, id, 'seed-' || n || '-' || number, 'EUR', amount_minor, now() - interval '1 day',
        CASE WHEN number = 1 AND life <> 'cancelled' THEN amount_minor ELSE 0 END,
        (CASE
            WHEN number = 2 THEN 'duplicate' WHEN life = 'cancelled' THEN 'late' ELSE 'normal'
        END)::capture_class
    FROM {LIVES} AS lives
    CROSS JOIN (VALUES (1, 10000), (2, 2000)) AS captured (number, amount_minor)
    WHERE life NOT IN ('waiting', 'expired') AND (number = 1 OR life = 'overpaid')",
    "INSERT INTO refunds (
        order_id, id, customer_ref, request_key, part, reason, requested_at, attempt_id, currency,
        amount_minor, status, funded_from, decided_by, settled_at, last_event_at
    )
    SELECT id, id, 's-' || n / 4, 'seed-' || n, 0, reason::refund_reason,
        now() - interval '1 day', id, 'EUR', amount_minor, status::refund_status, funds::account,
        'auto:seed', CASE status WHEN 'succeeded' THEN now() END, now() - interval '1 day'
    FROM {LIVES} AS lives
    INNER JOIN (
        VALUES
            ('refunded', 'goodwill', 2500, 'succeeded', 'customer_funds'),
            ('overpaid', 'duplicate', 2000, 'succeeded', 'suspense'),
            ('cancelled', 'late_payment', 10000, 'approved', 'suspense')
    ) AS refunds (life, reason, amount_minor, status, funds) USING (life)",
    "INSERT INTO disputes (
        order_id, id, customer_ref, provider, provider_ref, attempt_id, opened_at, currency,
        amount_minor, fee_minor, loss_minor, stage, status, reason, evidence_due_at,
        deadline_missed, closed_at, last_event_at
    )
    SELECT id, id, 's-' || n / 4, 'acme', 'dispute-' || n, id, now() - interval '1 hour', 'EUR',
        4000, CASE life WHEN 'lost' THEN 1500 ELSE 0 END, 0, 'chargeback',
        (CASE life WHEN 'lost' THEN 'lost' ELSE 'needs_response' END)::dispute_status, 'fraudulent',
        now() + interval '7 days', false, CASE life WHEN 'lost' THEN now() END, now()
    FROM {LIVES} AS lives
    WHERE life IN ('disputed', 'lost')",
    "INSERT INTO history (
        order_id, seq, inbox_id, entity, entity_id, from_status, to_status, recorded_at
    )
    SELECT id, seq, 10 * n + part, entity::history_entity, id, before, after,
        now() - interval '1 day'
    FROM {LIVES} AS lives
    INNER JOIN (
        VALUES
            ('', 1, 0, 'order', 'none', 'pending_payment'),
            ('-expired-waiting-cancelled', 2, 1, 'payment', 'none', 'captured'),
            ('-expired-waiting-cancelled', 3, 1, 'order', 'pending_payment', 'paid'),
            ('+expired', 2, 1, 'payment', 'none', 'declined'),
            ('+expired', 3, 2, 'order', 'pending_payment', 'expired'),
            ('+cancelled', 2, 3, 'order', 'pending_payment', 'cancelled'),
            ('+cancelled', 3, 1, 'payment', 'none', 'captured'),
            ('+cancelled', 4, 1, 'refund', 'none', 'approved'),
            ('+refunded', 4, 4, 'refund', 'none', 'approved'),
            ('+refunded', 5, 5, 'refund', 'approved', 'succeeded'),
            ('+overpaid', 4, 1, 'refund', 'none', 'approved'),
            ('+overpaid', 5, 5, 'refund', 'approved', 'succeeded'),
            ('+disputed', 4, 6, 'dispute', 'none', 'chargeback:needs_response'),
            ('+lost', 4, 6, 'dispute', 'none', 'chargeback:needs_response'),
            ('+lost', 5, 7, 'dispute', 'chargeback:needs_response', 'chargeback:lost')
    ) AS steps (lived, seq, part, entity, before, after)
        ON CASE left(lived, 1)
            WHEN '+' THEN '+' || life = lived
            ELSE strpos(lived, '-' || life) = 0
        END",
    "INSERT INTO transfers (
        subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
        reference, recorded_at
    )
    SELECT id, seq, seq, 10 * n + part, code::journal_code, debit::account, credit::account,
        'EUR', amount_minor, id, now() - interval '1 day'
    FROM {LIVES} AS lives
    INNER JOIN (
        VALUES
            ('-expired-waiting-cancelled', 1, 1, 'capture', 'psp_receivable', 'customer_funds',
                10000),
            ('+cancelled', 1, 1, 'capture', 'psp_receivable', 'suspense', 10000),
            ('+cancelled', 2, 1, 'refund_reserved', 'suspense', 'refunds_payable', 10000),
            ('+refunded', 2, 4, 'refund_reserved', 'customer_funds', 'refunds_payable', 2500),
            ('+refunded', 3, 5, 'refund_settled', 'refunds_payable', 'psp_receivable', 2500),
            ('+overpaid', 2, 1, 'capture', 'psp_receivable', 'suspense', 2000),
            ('+overpaid', 3, 1, 'refund_reserved', 'suspense', 'refunds_payable', 2000),
            ('+overpaid', 4, 5, 'refund_settled', 'refunds_payable', 'psp_receivable', 2000),
            ('+disputed', 2, 6, 'dispute_opened', 'disputes_receivable', 'psp_receivable', 4000),
            ('+lost', 2, 6, 'dispute_opened', 'disputes_receivable', 'psp_receivable', 4000),
            ('+lost', 3, 6, 'dispute_fee', 'dispute_fees', 'psp_receivable', 1500),
            ('+lost', 4, 7, 'dispute_lost', 'customer_funds', 'disputes_receivable', 4000)
    ) AS steps (lived, seq, part, code, debit, credit, amount_minor)
        ON CASE left(lived, 1)
            WHEN '+' THEN '+' || life = lived
            ELSE strpos(lived, '-' || life) = 0
        END",
    "INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status, resolved_at)
    SELECT id, kind::timer_kind, id, 1, now() + interval '1 day', status::timer_status,
        CASE WHEN status <> 'armed' THEN now() END
    FROM {LIVES} AS lives
    CROSS JOIN LATERAL (
        VALUES
            ('payment_timeout',
                CASE life
                    WHEN 'waiting' THEN 'armed' WHEN 'expired' THEN 'fired' ELSE 'cancelled'
                END),
            ('payment_reminder', CASE life WHEN 'waiting' THEN 'armed' ELSE 'cancelled' END),
            ('dispute_evidence_due', CASE life WHEN 'disputed' THEN 'armed' ELSE 'cancelled' END)
    ) AS kinds (kind, status)
    WHERE kind <> 'dispute_evidence_due' OR life IN ('disputed', 'lost')",
    "INSERT INTO outbox (
        order_id, message_id, exchange, must_route, routing_key, type_name, content_type, body,
        sent_at
    )
    SELECT id, gen_random_uuid()::text, 'events', false, 'order.paid', 'orderflow.order.paid.v1',
        'application/cloudevents+json',
        convert_to(
            json_build_object(
                'specversion', '1.0', 'id', gen_random_uuid(), 'source', '/orderflow',
                'type', 'orderflow.order.paid.v1', 'subject', id, 'time', now(),
                'data', json_build_object(
                    'order_id', id,
                    'total', json_build_object('amount_minor', 10000, 'currency', 'EUR'),
                    'paid_at', now()
                )
            )::text,
            'UTF8'
        ),
        now()
    FROM {LIVES} AS lives
    WHERE life <> 'waiting'",
];

/// Money beside every thousandth order; after all lives.
pub(crate) const BESIDE: &str = "
    WITH kept AS (
        INSERT INTO unapplied_money (
            id, provider, capture_ref, claimed_order, attempt_id, provider_ref, currency,
            amount_minor, cause, occurred_at, recorded_at, ledger_len
        )
        SELECT gen_random_uuid(), 'acme', 'beside-' || n, {ID}, {ID}, 'beside-' || n, 'JPY', 5800,
            'currency_mismatch', now(), now(), 1
        FROM {NUMBERS}
        WHERE n % 1000 = 1
        RETURNING id, claimed_order
    ),
    armed AS (
        INSERT INTO timers (order_id, kind, owner_id, generation, due_at, status)
        SELECT claimed_order, 'unapplied_money_due', id, 1, now() + interval '3 days', 'armed'
        FROM kept
    )
    INSERT INTO transfers (
        subject_id, seq, journal, inbox_id, code, debit, credit, currency, amount_minor,
        reference, recorded_at
    )
    SELECT kept.id, 1, 1, inbox.inbox_id, 'capture', 'psp_receivable', 'suspense', 'JPY', 5800,
        'beside', now()
    FROM kept
    INNER JOIN inbox ON inbox.order_id = kept.claimed_order AND inbox.kind = 'payment.attempted'";
