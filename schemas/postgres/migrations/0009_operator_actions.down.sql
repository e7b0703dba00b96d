DROP FUNCTION
    dlq_restore(text, text, jsonb, text, bigint), require_changed(bigint, jsonb), archive_codes(),
    dlq_archive(text, text, text, jsonb, text, bigint),
    replay_in_state(bigint, replay_batch_state[]), replay_cancel(text, text, bigint, boolean),
    replay_resume(text, text, bigint), replay_pause(text, text, bigint),
    replay_start(
        text, text, jsonb, text, text, double precision, integer, integer, integer, integer,
        integer, bigint, boolean, bytea
    ),
    replay_plan(jsonb, bigint, boolean), replay_limit(), require_filter(jsonb),
    dead_letters_matching(jsonb);
