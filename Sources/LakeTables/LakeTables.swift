// LakeTables: which tables the Parquet files of a lake are, found out from a listing and from footers.
//
//     ObjectStore ──list once──▶ LakeLayout ──▶ groups of files ──▶ FooterReader ──▶ SchemaJoin ──▶ LakeTable
//                                path → table,                      what LakeMemory     one schema for all
//                                partitions, shape                  does not know       files of a table
//
// A listing costs one request for some thousands of files, a footer one request and some kilobytes; no row is ever read.
// `LakeMemory` keeps what footers have said, by path, size and tag, so that the next scan reads those of new and changed
// files only. It is a cache: without it, a scan finds the same.
