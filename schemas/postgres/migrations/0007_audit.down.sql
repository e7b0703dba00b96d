REVOKE ALL ON ALL TABLES IN SCHEMA public FROM
orderflow_reader, orderflow_operator, orderflow_editor, orderflow_admin;
DROP FUNCTION
    allow_edits(text, text, boolean), audit_verify(),
    audit_append(text, operator_role, text, text, text, jsonb), require_role(operator_role),
    holds_role(operator_role);
DROP FUNCTION audit_hash(audit);
DROP TABLE operator_settings, audit;
