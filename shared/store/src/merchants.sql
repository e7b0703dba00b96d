WITH parts AS (
    SELECT
        merchant_id, currency, count(*) AS orders,
        count(*) FILTER (WHERE status <> 'pending_payment') AS ended,
        count(*) FILTER (WHERE status = 'expired') AS unpaid,
        count(*) FILTER (WHERE paid_at IS NOT NULL) AS paid, 0 AS refunded,
        0 AS payments, 0::numeric AS captured, 0 AS late, 0 AS disputes,
        0::numeric AS disputed, 0 AS answered, 0 AS unanswered, 0 AS double_losses
    FROM orders
    WHERE placed_at > now() - make_interval(days => $1)
    GROUP BY merchant_id, currency
    UNION ALL
    SELECT
        orders.merchant_id, orders.currency, 0, 0, 0, 0, 0, count(*),
        sum(captures.amount_minor),
        count(*) FILTER (WHERE captures.classification IN ('late', 'held')), 0, 0, 0, 0, 0
    FROM captures
    INNER JOIN orders ON orders.id = captures.order_id
    WHERE
        captures.occurred_at > now() - make_interval(days => $1)
        AND captures.reversed_at IS NULL
    GROUP BY orders.merchant_id, orders.currency
    UNION ALL
    SELECT
        orders.merchant_id, orders.currency, 0, 0, 0, 0, count(DISTINCT orders.id), 0, 0,
        0, 0, 0, 0, 0, 0
    FROM refunds
    INNER JOIN orders ON orders.id = refunds.order_id
    WHERE
        refunds.requested_at > now() - make_interval(days => $1)
        AND refunds.reason NOT IN (
            'late_payment', 'overpaid', 'duplicate', 'order_cancelled'
        )
        AND refunds.status IN ('approved', 'submitted', 'requires_action', 'succeeded')
    GROUP BY orders.merchant_id, orders.currency
    UNION ALL
    SELECT
        orders.merchant_id, orders.currency, 0, 0, 0, 0, 0, 0, 0, 0,
        count(*) FILTER (WHERE disputes.stage <> 'inquiry'),
        coalesce(
            sum(disputes.amount_minor) FILTER (WHERE disputes.stage <> 'inquiry'), 0
        ),
        count(*) FILTER (
            WHERE
                disputes.evidence_submitted_at IS NOT NULL
                OR disputes.status = 'under_review'
        ),
        count(*) FILTER (
            WHERE
                disputes.deadline_missed
                AND disputes.evidence_submitted_at IS NULL
                AND disputes.status <> 'under_review'
        ),
        count(*) FILTER (
            WHERE
                disputes.stage <> 'inquiry'
                AND EXISTS (
                    SELECT
                    FROM history
                    WHERE
                        history.order_id = disputes.order_id
                        AND history.entity = 'dispute'
                        AND history.entity_id = disputes.id
                        AND history.reason = 'already-refunded'
                )
        )
    FROM disputes
    INNER JOIN orders ON orders.id = disputes.order_id
    WHERE disputes.opened_at > now() - make_interval(days => $1)
    GROUP BY orders.merchant_id, orders.currency
),
totals AS (
    SELECT
        merchant_id, currency, sum(orders) AS orders, sum(ended) AS ended,
        sum(unpaid) AS unpaid, sum(paid) AS paid, sum(refunded) AS refunded,
        sum(payments) AS payments, sum(captured) AS captured, sum(late) AS late,
        sum(disputes) AS disputes, sum(disputed) AS disputed, sum(answered) AS answered,
        sum(unanswered) AS unanswered, sum(double_losses) AS double_losses
    FROM parts
    GROUP BY merchant_id, currency
),
merchants AS (
    SELECT
        merchant_id,
        row_number() OVER (
            ORDER BY sum(disputes) DESC, sum(orders) DESC, merchant_id
        ) AS place,
        greatest(sum(orders), sum(disputes)) AS size
    FROM totals
    GROUP BY merchant_id
)
SELECT
    -- A merchant of this name would look like all others.
    CASE
        WHEN
            merchants.place <= $2 AND merchants.size >= $3::bigint
            AND merchants.merchant_id <> 'other'
            THEN merchants.merchant_id
    END AS merchant,
    totals.currency::text AS "currency!", sum(totals.orders)::bigint AS "orders!",
    sum(totals.ended)::bigint AS "ended!", sum(totals.unpaid)::bigint AS "unpaid!",
    sum(totals.paid)::bigint AS "paid!", sum(totals.refunded)::bigint AS "refunded!",
    sum(totals.payments)::bigint AS "payments!",
    sum(totals.captured)::bigint AS "captured!", sum(totals.late)::bigint AS "late!",
    sum(totals.disputes)::bigint AS "disputes!",
    sum(totals.disputed)::bigint AS "disputed!",
    sum(totals.answered)::bigint AS "answered!",
    sum(totals.unanswered)::bigint AS "unanswered!",
    sum(totals.double_losses)::bigint AS "double_losses!"
FROM totals
INNER JOIN merchants ON merchants.merchant_id = totals.merchant_id
GROUP BY 1, totals.currency
ORDER BY 1 NULLS LAST, totals.currency::text
