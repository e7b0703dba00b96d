DROP VIEW orders_past_retention;
