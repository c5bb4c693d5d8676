CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    country TEXT REFERENCES countries (code),
    amount NUMERIC NOT NULL
);
