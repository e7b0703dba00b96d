DROP FUNCTION
    dlq_edit_reject(text, text, bigint),
    dlq_edit_approve(text, text, bigint, text, text, jsonb, uuid, json, bytea, bytea),
    dlq_edit_open(text, bigint), dlq_edit_content(text, bigint),
    dlq_edit_propose(text, text, bigint, bytea, uuid, bytea),
    dlq_content(text, text, text, bigint[]), dlq_note(text, bytea, text);
