// Parquet files, both ways, with nothing between the bytes and the columns.
//
// - `Format/`: the file format's own structures (`FileMetadata`, `PageHeader`, `ColumnIndex` …), and the Thrift
//   compact protocol in which they are written.
// - `Codec/`: compression of pages, over the C libraries.
