DROP VIEW violations;
DROP FUNCTION has_card_number(text);
DROP VIEW standings;
DROP VIEW attempt_money;
