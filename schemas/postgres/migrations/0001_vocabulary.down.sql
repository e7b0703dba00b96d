DROP TABLE transitions_allowed;
DROP TABLE currencies;
DROP TYPE
    operator_role, replay_item_state, replay_batch_state,
    dead_letter_key_source, dead_letter_status, outbox_exchange, inbox_outcome, event_kind,
    history_entity, consent_purpose, policy_kind,
    risk_rule, restriction_level, unapplied_decision, unapplied_resolution, unapplied_cause,
    journal_code, account, timer_status, timer_kind, dispute_party, dispute_reason,
    dispute_status, dispute_stage, refund_reason, refund_status, capture_class, attempt_status,
    payment_method, close_reason, order_status, currency_code;
