DROP VIEW balances;
DROP TABLE
    consent_withdrawals, judgements, customer_marks, risk_flags, unapplied_money, transfers,
    history;
DROP FUNCTION refuse_illegal_transitions();
DROP FUNCTION refuse_change();
