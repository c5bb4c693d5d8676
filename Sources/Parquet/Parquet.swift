// Parquet files, both ways, with nothing between the bytes and the columns.
//
// - `Format/`: the file format's own structures (`FileMetadata`, `PageHeader`, `ColumnIndex` …), and the Thrift
//   compact protocol in which they are written.
// - `Codec/`: compression of pages, over the C libraries.
// - `Read/`: from a file to batches. `ParquetFile` reads the footer and makes the schema (`SchemaTree`); `ParquetReader`
//   asks a `LeafReader` for the rows of each leaf, which takes its pages from a `PageReader`; `Assembly` puts nested
//   columns together out of leaves and levels. `ChunkSummary` and `ColumnBounds` are what statistics are good for.
// - `Decode/`: from the bytes of a page to the buffers of a column: one `LeafValues` for each layout in memory, over
//   decoders for runs, packed differences, split bytes.
