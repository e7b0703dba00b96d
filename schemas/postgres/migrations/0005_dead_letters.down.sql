DROP VIEW stored_content, sealed_content, readable_of_erased, keys_of_erased;
DROP TABLE forgotten_events, erasures, subject_keys, master_keys;
DROP TABLE
    suspects, dead_letters_raw, dead_letter_edits, failure_groups, dead_letter_attempts,
    dead_letters;
