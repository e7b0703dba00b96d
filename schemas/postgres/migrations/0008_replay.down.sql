DROP VIEW replay_batches_listed, failure_groups_listed, dead_letters_listed;
DROP FUNCTION
    text_patterns(jsonb), status_after_failure(bigint, dead_letter_status, bigint);
DROP TABLE replay_items, replay_batches, group_notes;
