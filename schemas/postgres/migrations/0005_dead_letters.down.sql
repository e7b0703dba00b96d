DROP TABLE dead_letters_raw, dead_letters;
