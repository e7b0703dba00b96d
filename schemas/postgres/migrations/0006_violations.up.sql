-- The invariants of the system, each with its number. All of them hold at any moment, under load
-- and after a crash, for a reader that sees one moment of the database; I12, I13, I14 and I26
-- are about liveness and have a tolerance.

CREATE VIEW attempt_money AS
WITH captured AS (
    SELECT
        order_id,
        attempt_id,
        coalesce(sum(amount_minor) FILTER (WHERE reversed_at IS NULL), 0) AS captured,
        sum(amount_minor) AS ever_captured,
        coalesce(sum(applied_minor) FILTER (WHERE reversed_at IS NULL), 0) AS applied,
        sum(applied_minor) AS ever_applied
    FROM captures
    GROUP BY order_id, attempt_id
),
refunded AS (
    SELECT
        order_id,
        attempt_id,
        coalesce(
            sum(amount_minor) FILTER (WHERE status NOT IN ('rejected', 'failed', 'cancelled')), 0
        ) AS refunded,
        coalesce(sum(amount_minor) FILTER (WHERE status <> 'rejected'), 0) AS ever_refunded,
        coalesce(sum(amount_minor) FILTER (WHERE status = 'succeeded'), 0) AS settled,
        bool_or(code = 'exceeds-refundable' AND status <> 'rejected') AS excess_known
    FROM refunds
    WHERE attempt_id IS NOT NULL
    GROUP BY order_id, attempt_id
),
disputed AS (
    SELECT
        order_id,
        attempt_id,
        coalesce(
            sum(amount_minor) FILTER (
                WHERE stage <> 'inquiry' AND status NOT IN ('won', 'withdrawn')
            ),
            0
        ) AS disputed,
        sum(fee_minor) AS fees
    FROM disputes
    GROUP BY order_id, attempt_id
)
SELECT
    order_id,
    attempt_id,
    coalesce(captured.captured, 0) AS captured,
    coalesce(captured.ever_captured, 0) AS ever_captured,
    coalesce(captured.applied, 0) AS applied,
    coalesce(captured.ever_applied, 0) AS ever_applied,
    coalesce(refunded.refunded, 0) AS refunded,
    coalesce(refunded.ever_refunded, 0) AS ever_refunded,
    coalesce(refunded.settled, 0) AS settled,
    coalesce(refunded.excess_known, false) AS excess_known,
    coalesce(disputed.disputed, 0) AS disputed,
    coalesce(disputed.fees, 0) AS fees
FROM captured
FULL JOIN refunded USING (order_id, attempt_id)
FULL JOIN disputed USING (order_id, attempt_id);
COMMENT ON VIEW attempt_money IS
    'What was captured, refunded and disputed of each attempt. "Ever" counts what was taken back '
    'since, too.';

CREATE VIEW standings AS
SELECT id AS order_id, 'order'::history_entity AS entity, id AS entity_id, status::text AS status
FROM orders
UNION ALL
SELECT order_id, 'payment', id, status::text FROM payment_attempts
UNION ALL
SELECT order_id, 'refund', id, status::text FROM refunds
UNION ALL
SELECT order_id, 'dispute', id, stage || ':' || status FROM disputes;
COMMENT ON VIEW standings IS
    'Where every row with a state machine stands, in the terms of history.';

CREATE FUNCTION has_card_number(content text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    -- Without taking anything out, the pattern is quick, and most content fails it.
    SELECT content ~ '(?<![0-9A-Za-z-])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z-])' AND EXISTS (
        SELECT
        FROM regexp_matches(
            content, '(?<![0-9A-Za-z-])([0-9](?:[ -]?[0-9]){12,18})(?![0-9A-Za-z-])', 'g'
        ) AS found (groups)
        CROSS JOIN LATERAL (
            SELECT regexp_replace(found.groups[1], '[ -]', '', 'g')
        ) AS card (digits)
        CROSS JOIN LATERAL (
            SELECT
                sum(
                    CASE (length(card.digits) - place) % 2
                        WHEN 1 THEN doubled / 10 + doubled % 10
                        ELSE doubled / 2
                    END
                ) % 10 AS remainder
            FROM generate_series(1, length(card.digits)) AS places (place)
            CROSS JOIN LATERAL (
                SELECT substr(card.digits, place, 1)::integer * 2
            ) AS digit (doubled)
        ) AS luhn
        WHERE card.digits ~ '^(4|5[1-5]|2[2-7]|3[47]|35|6|62|81)' AND luhn.remainder = 0
    )
$$;
COMMENT ON FUNCTION has_card_number(text) IS
    'Spot check for card numbers: issuer prefix, length and check digit.';

CREATE VIEW violations AS
WITH by_attempt AS MATERIALIZED (
    SELECT
        order_id,
        attempt_id,
        captured,
        ever_captured,
        applied,
        ever_applied,
        refunded,
        ever_refunded,
        settled,
        excess_known,
        disputed,
        fees
    FROM attempt_money
),
by_order AS MATERIALIZED (
    SELECT
        order_id,
        sum(captured) AS captured,
        sum(applied) AS applied,
        sum(ever_applied) AS ever_applied,
        sum(ever_refunded) AS ever_refunded,
        sum(settled) AS settled,
        bool_or(excess_known) AS excess_known,
        sum(disputed) AS disputed,
        sum(fees) AS fees
    FROM by_attempt
    GROUP BY order_id
)

-- I01: no transfer from an account to itself; with it, no journal can be unbalanced.
SELECT 'I01 transfer from an account to itself' AS invariant, subject_id || '/' || seq AS key
FROM transfers
WHERE debit = credit

UNION ALL
-- I02: refunds never exceed captures; one that a provider made in excess is known as such.
SELECT 'I02 refunded and reserved exceed captured', order_id || '/' || attempt_id
FROM by_attempt
WHERE refunded > ever_captured AND NOT excess_known

UNION ALL
-- I03: captures never exceed the authorisation; one that did is in review (case 48).
SELECT 'I03 captured exceeds authorised', money.order_id || '/' || money.attempt_id
FROM by_attempt AS money
INNER JOIN payment_attempts AS attempt
    ON attempt.order_id = money.order_id AND attempt.id = money.attempt_id
WHERE
    money.captured > greatest(attempt.authorized_minor, attempt.amount_minor)
    AND attempt.status <> 'review'

UNION ALL
-- I04: an order is paid only by its money, or by so little less that the shop accepts it.
SELECT 'I04 paid but never covered', orders.id::text
FROM orders
LEFT JOIN by_order AS money ON money.order_id = orders.id
WHERE
    orders.status = 'paid'
    AND coalesce(money.ever_applied, 0) + coalesce(accepted_shortfall_minor, 0) < total_minor

UNION ALL
-- I05: an order whose money is there is paid.
SELECT 'I05 covered but not paid', orders.id::text
FROM orders
LEFT JOIN by_order AS money ON money.order_id = orders.id
WHERE orders.status = 'pending_payment' AND orders.total_minor <= coalesce(money.applied, 0)

UNION ALL
-- I06: no money stays with a closed order; a failed refund is in the hands of a person, and money
-- may wait for the order's stock as long as a timer ends that (case 87).
SELECT 'I06 stranded money on closed order', orders.id::text
FROM orders
INNER JOIN by_order AS money ON money.order_id = orders.id
WHERE
    orders.status IN ('expired', 'cancelled')
    AND money.captured > money.ever_refunded + money.disputed + (
        SELECT coalesce(sum(held.amount_minor), 0)
        FROM captures AS held
        INNER JOIN timers AS wait ON wait.order_id = held.order_id
        WHERE
            held.order_id = orders.id AND held.classification = 'held' AND held.reversed_at IS NULL
            AND wait.kind = 'reserve_answer_due' AND wait.status = 'armed'
    )

UNION ALL
-- I07: what pays an order is never more than its total; more is classified and goes back.
SELECT 'I07 applied exceeds total', orders.id::text
FROM orders
INNER JOIN by_order AS money ON money.order_id = orders.id
WHERE money.applied > orders.total_minor

UNION ALL
-- I08: every row stands where its history ends, and nothing has a history without a row.
SELECT
    'I08 status differs from history',
    coalesce(standing.entity, head.entity) || ':' || coalesce(standing.entity_id, head.entity_id)
FROM standings AS standing
FULL JOIN (
    SELECT DISTINCT ON (order_id, entity, entity_id) order_id, entity, entity_id, to_status
    FROM history
    ORDER BY order_id, entity, entity_id, seq DESC
) AS head
    ON
        head.order_id = standing.order_id
        AND head.entity = standing.entity
        AND head.entity_id = standing.entity_id
WHERE head.to_status IS DISTINCT FROM standing.status

UNION ALL
-- I09: history is numbered without gaps, and each line begins where the last one ended.
SELECT 'I09 history chain broken', order_id || '/' || seq
FROM (
    SELECT
        order_id,
        seq,
        from_status,
        row_number() OVER (PARTITION BY order_id ORDER BY seq) AS place,
        lag(to_status, 1, 'none') OVER (
            PARTITION BY order_id, entity, entity_id ORDER BY seq
        ) AS before
    FROM history
) AS chain
WHERE seq <> place OR from_status <> before

UNION ALL
SELECT 'I09 history chain broken', orders.id::text
FROM orders
LEFT JOIN (SELECT order_id, max(seq) AS seq FROM history GROUP BY order_id) AS last
    ON last.order_id = orders.id
WHERE orders.history_len <> coalesce(last.seq, 0)

UNION ALL
-- I10: every order that waits for money will stop waiting.
SELECT 'I10 pending order without armed timeout', orders.id::text
FROM orders
WHERE
    orders.status = 'pending_payment'
    AND NOT EXISTS (
        SELECT FROM timers
        WHERE
            timers.order_id = orders.id
            AND timers.kind = 'payment_timeout'
            AND timers.status = 'armed'
    )

UNION ALL
-- I11: nobody is reminded of, or expires, what is paid or closed.
SELECT 'I11 paid or closed order with armed timer', orders.id || '/' || timers.kind
FROM orders
INNER JOIN timers ON timers.order_id = orders.id
WHERE
    orders.status <> 'pending_payment'
    AND timers.kind IN ('payment_timeout', 'payment_reminder')
    AND timers.status = 'armed'

UNION ALL
-- I12: timers fire.
SELECT 'I12 timer overdue', order_id || '/' || kind || '/' || owner_id
FROM timers
WHERE status = 'armed' AND due_at < now() - INTERVAL '5 minutes'

UNION ALL
-- I13: parked events do not wait for ever.
SELECT 'I13 parked event overdue', source || ' ' || event_id
FROM parked_events
WHERE park_until < now() - INTERVAL '5 minutes'

UNION ALL
-- I14: messages leave.
SELECT 'I14 outbox stuck', id::text
FROM outbox
WHERE sent_at IS NULL AND publish_after < now() - INTERVAL '5 minutes'

UNION ALL
-- I15: a closed order gave its stock back; its row makes it once for each reservation (case 86).
SELECT 'I15 closed order holds stock', id::text
FROM orders
WHERE status IN ('expired', 'cancelled') AND stock_released_at IS NULL

UNION ALL
-- I16: a live order keeps its stock; one that was reinstated has it again (case 87).
SELECT 'I16 stock released for live order', id::text
FROM orders
WHERE status IN ('pending_payment', 'paid') AND stock_released_at IS NOT NULL

UNION ALL
-- I17: what providers owe us is what they captured, less what went back.
SELECT 'I17 receivable differs from facts', coalesce(money.order_id, balance.subject_id)::text
FROM by_order AS money
FULL JOIN (
    SELECT balances.subject_id, balances.debit_minor
    FROM balances
    INNER JOIN orders ON orders.id = balances.subject_id
    WHERE balances.account = 'psp_receivable'
) AS balance ON balance.subject_id = money.order_id
WHERE
    coalesce(balance.debit_minor, 0)
    <> coalesce(money.captured - money.settled - money.disputed - money.fees, 0)

UNION ALL
SELECT 'I17 receivable differs from facts', money.id::text
FROM unapplied_money AS money
LEFT JOIN balances
    ON
        balances.subject_id = money.id
        AND balances.account = 'psp_receivable'
        AND balances.currency = money.currency
WHERE
    coalesce(balances.debit_minor, 0)
    <> CASE
        WHEN coalesce(money.resolution, 'refunded') = 'refunded' THEN money.amount_minor ELSE 0
    END
    - CASE WHEN money.refund_status = 'succeeded' THEN money.amount_minor ELSE 0 END

UNION ALL
-- I18: evidence that can be given is asked for until its deadline.
SELECT 'I18 open dispute without deadline timer', disputes.id::text
FROM disputes
WHERE
    disputes.status = 'needs_response'
    AND NOT disputes.deadline_missed
    AND NOT EXISTS (
        SELECT FROM timers
        WHERE
            timers.order_id = disputes.order_id
            AND timers.kind = 'dispute_evidence_due'
            AND timers.owner_id = disputes.id
            AND timers.status = 'armed'
    )

UNION ALL
-- I19: money that is lost twice, to a refund and to a dispute, is known (case 70).
SELECT 'I19 double loss unnoticed', money.order_id || '/' || money.attempt_id
FROM by_attempt AS money
WHERE
    money.refunded > 0
    AND money.disputed > 0
    AND money.refunded + money.disputed > money.ever_captured
    AND NOT money.excess_known
    AND NOT EXISTS (
        SELECT
        FROM history
        INNER JOIN disputes
            ON disputes.order_id = history.order_id AND disputes.id = history.entity_id
        WHERE
            history.order_id = money.order_id
            AND history.entity = 'dispute'
            AND history.reason = 'already-refunded'
            AND disputes.attempt_id = money.attempt_id
    )

UNION ALL
-- I20: no more is given away than is there.
SELECT 'I20 liability overdrawn', balances.subject_id || '/' || balances.account
FROM balances
LEFT JOIN by_order AS money ON money.order_id = balances.subject_id
WHERE
    balances.account IN ('customer_funds', 'suspense', 'refunds_payable')
    AND balances.debit_minor > 0
    AND NOT coalesce(money.excess_known, false)

UNION ALL
-- I21: an event that was applied left a trace, if it is of a kind that always does.
SELECT 'I21 applied event without trace', inbox.source || ' ' || inbox.event_id
FROM inbox
WHERE
    inbox.outcome = 'applied'
    AND inbox.kind IN ('order.cancel_requested', 'refund.requested', 'dispute.opened')
    AND NOT EXISTS (
        SELECT FROM history
        WHERE history.order_id = inbox.order_id AND history.inbox_id = inbox.inbox_id
    )

UNION ALL
-- I22: nothing happens without an event, as far back as events are remembered.
SELECT 'I22 history without event', history.order_id || '/' || history.seq
FROM history
LEFT JOIN inbox ON inbox.inbox_id = history.inbox_id
WHERE
    inbox.inbox_id IS NULL
    AND history.inbox_id > coalesce((SELECT max(up_to) FROM forgotten_events), 0)

UNION ALL
SELECT 'I22 transfer without event', transfers.subject_id || '/' || transfers.seq
FROM transfers
LEFT JOIN inbox ON inbox.inbox_id = transfers.inbox_id
WHERE
    inbox.inbox_id IS NULL
    AND transfers.inbox_id > coalesce((SELECT max(up_to) FROM forgotten_events), 0)

UNION ALL
-- I23: no card numbers leave; what comes back to a queue is as it came.
SELECT 'I23 card number in message', id::text
FROM outbox
WHERE exchange = 'events' AND has_card_number(convert_from(body, 'UTF8'))

UNION ALL
-- I24: what shops sent of an erased customer is not readable 30 days later.
SELECT 'I24 content survives erasure', name
FROM readable_of_erased
WHERE since < now() - INTERVAL '30 days'

UNION ALL
-- I25: a refund that reached the buyer is settled in the ledger, once.
SELECT 'I25 refund differs from ledger', refunds.id::text
FROM refunds
LEFT JOIN (
    SELECT
        subject_id,
        reference,
        count(*) FILTER (WHERE code = 'refund_settled')
        - count(*) FILTER (WHERE code = 'refund_reversed') AS times
    FROM transfers
    WHERE code IN ('refund_settled', 'refund_reversed')
    GROUP BY subject_id, reference
) AS settled
    ON settled.subject_id = refunds.order_id AND settled.reference = refunds.id::text
WHERE coalesce(settled.times, 0) <> (refunds.status = 'succeeded')::integer

UNION ALL
-- I26: somebody looks after money that fits no order.
SELECT 'I26 unapplied money unresolved', id::text
FROM open_money
WHERE open_since < now() - INTERVAL '3 days'

UNION ALL
-- I27: nobody waits for what is there. An event that knows no order has no lock to be exact
-- by, and is found within moments.
SELECT 'I27 parked although its parent is there', stranded.source || ' ' || stranded.event_id
FROM stranded_events AS stranded
WHERE
    stranded.park_key LIKE ANY (ARRAY['order:%', 'capture:%'])
    OR stranded.parked_at < now() - INTERVAL '1 minute'

UNION ALL
-- I28: every row of an order has its order, in its currency.
SELECT 'I28 row without its order', part.name || ' ' || part.order_id
FROM (
    SELECT 'payment_attempts' AS name, order_id, currency FROM payment_attempts
    UNION ALL
    SELECT 'captures', order_id, currency FROM captures
    UNION ALL
    -- A refused wish says what was asked for, in whatever currency (case 51).
    SELECT 'refunds', order_id, CASE WHEN status <> 'rejected' THEN currency END FROM refunds
    UNION ALL
    SELECT 'disputes', order_id, currency FROM disputes
    UNION ALL
    -- Money waits for an order that may never come, and its refund for a provider's answer.
    SELECT 'timers', order_id, NULL
    FROM timers
    WHERE
        kind <> 'unapplied_money_due'
        AND (
            kind <> 'refund_answer_due'
            OR NOT EXISTS (
                SELECT FROM unapplied_money AS money
                WHERE money.claimed_order = timers.order_id AND money.refund_id = timers.owner_id
            )
        )
) AS part
LEFT JOIN orders ON orders.id = part.order_id
WHERE orders.id IS NULL OR part.currency <> orders.currency

UNION ALL
SELECT 'I28 row without its attempt', part.name || ' ' || part.order_id || '/' || part.attempt_id
FROM (
    SELECT 'captures' AS name, order_id, attempt_id FROM captures
    UNION ALL
    SELECT 'refunds', order_id, attempt_id FROM refunds WHERE attempt_id IS NOT NULL
    UNION ALL
    SELECT 'disputes', order_id, attempt_id FROM disputes
) AS part
LEFT JOIN payment_attempts AS attempt
    ON attempt.order_id = part.order_id AND attempt.id = part.attempt_id
WHERE attempt.id IS NULL

UNION ALL
-- I29: the ledger is numbered without gaps, as far as its order counts.
SELECT 'I29 ledger differs from its count', coalesce(orders.id, ledger.subject_id)::text
FROM orders
FULL JOIN (
    SELECT subject_id, max(seq) AS last, count(*) AS rows
    FROM transfers
    GROUP BY subject_id
) AS ledger ON ledger.subject_id = orders.id
LEFT JOIN unapplied_money AS money ON money.id = ledger.subject_id
WHERE
    (ledger.last IS NOT NULL AND ledger.last <> ledger.rows)
    OR coalesce(money.ledger_len, orders.ledger_len) IS DISTINCT FROM coalesce(ledger.last, 0);
COMMENT ON VIEW violations IS
    'Every invariant that does not hold, by its number, with the row that violates it.';
