-- What goes by age is one order's life: a part of it would leave the rest without its proof.
CREATE VIEW orders_past_retention AS
WITH cut AS (
    SELECT now() - keep AS off FROM retention_periods WHERE kind = 'ledger'
),
old AS (
    SELECT orders.id AS order_id, orders.status <> 'pending_payment' AS ended
    FROM orders
    INNER JOIN cut ON orders.placed_at < cut.off
    UNION ALL
    SELECT DISTINCT money.claimed_order, true
    FROM unapplied_money AS money
    INNER JOIN cut ON money.recorded_at < cut.off
    WHERE NOT EXISTS (SELECT FROM orders WHERE orders.id = money.claimed_order)
)
SELECT
    old.order_id,
    old.ended
    AND NOT EXISTS (
        SELECT FROM timers WHERE timers.order_id = old.order_id AND timers.status = 'armed'
    )
    AND NOT EXISTS (SELECT FROM parked_events WHERE parked_events.order_id = old.order_id)
    AND NOT EXISTS (
        SELECT FROM refunds
        WHERE
            refunds.order_id = old.order_id
            AND refunds.status IN ('pending_review', 'approved', 'submitted', 'requires_action')
    )
    AND NOT EXISTS (
        SELECT FROM disputes
        WHERE
            disputes.order_id = old.order_id
            AND disputes.status IN ('needs_response', 'under_review')
    )
    AND NOT EXISTS (
        SELECT FROM unapplied_money AS money
        WHERE money.claimed_order = old.order_id AND money.resolved_at IS NULL
    ) AS done
FROM old
CROSS JOIN cut
WHERE
    NOT EXISTS (
        SELECT FROM history
        WHERE history.order_id = old.order_id AND history.recorded_at >= cut.off
    )
    AND NOT EXISTS (
        SELECT FROM judgements
        WHERE judgements.order_id = old.order_id AND judgements.recorded_at >= cut.off
    )
    AND NOT EXISTS (
        SELECT FROM transfers
        WHERE transfers.subject_id = old.order_id AND transfers.recorded_at >= cut.off
    )
    AND NOT EXISTS (
        SELECT FROM unapplied_money AS money
        INNER JOIN transfers ON transfers.subject_id = money.id
        WHERE money.claimed_order = old.order_id AND transfers.recorded_at >= cut.off
    );
COMMENT ON VIEW orders_past_retention IS
    'Orders, known or only claimed, about which nothing was recorded within the period of '
    'retention_periods; those that are not done stay.';
