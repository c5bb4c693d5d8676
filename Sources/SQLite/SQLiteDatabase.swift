import CSQLite
// SQLite: one database file, read and written in columns.
