DROP VIEW balances, open_money;
DROP TABLE
    consent_withdrawals, judgements, customer_marks, risk_flags, unapplied_money, transfers,
    history;
DROP FUNCTION refuse_illegal_transitions();
DROP FUNCTION refuse_early_deletion();
DROP TABLE retention_periods;
DROP FUNCTION refuse_change();
