// Postgres: rows of a PostgreSQL database as columns, and columns as rows.
//
//     PostgresConnection   one session over libpq, on a thread of its own
//     PostgresType         what a column of the server is, and what it becomes here
//     CopyDecoder          COPY … TO STDOUT (FORMAT binary)   →  RecordBatch
//     CopyEncoder          RecordBatch  →  COPY … FROM STDIN (FORMAT binary)
//
// The binary format is decoded straight into column memory and encoded straight out of it: no text, no row objects.
