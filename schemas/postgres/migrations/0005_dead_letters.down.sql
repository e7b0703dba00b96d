DROP VIEW sealed_content, readable_of_erased, keys_of_erased;
DROP TABLE forgotten_events, erasures, subject_keys, master_keys;
DROP TABLE suspects, dead_letters_raw, dead_letters;
