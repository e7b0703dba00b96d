DROP VIEW order_payments;
DROP TABLE timers, disputes, refunds, captures, payment_attempts, orders;
