// Ingest: rows from a source into the lake, and from there into the warehouse.
