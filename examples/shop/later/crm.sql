-- What changes later: one customer comes, one goes up, and one shares its moment with rows that are loaded already.
INSERT INTO customers VALUES (4, 'Zoë Müller', 'DE', '15.00', '2026-01-07 12:30:00');
UPDATE customers SET credit = '2500.00', changed_at = '2026-02-01 08:15:00' WHERE id = 1;
