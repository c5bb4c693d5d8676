-- The shop's customers, in a database that Sluice reads.
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    country CHAR(2),
    credit DECIMAL(12,2),
    changed_at TIMESTAMP NOT NULL
);
INSERT INTO customers VALUES
    (1, 'Ada Lovelace', 'GB', '1200.00', '2026-01-05 09:00:00'),
    (2, '李雷', 'CN', '80.50', '2026-01-07 12:30:00'),
    (3, 'Grace Hopper', 'US', NULL, '2026-01-07 12:30:00');
