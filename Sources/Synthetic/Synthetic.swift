// Synthetic: data that looks like the real thing, made from a seed.
//
// `SalesPlan` says what is wanted and how the files are called. `SalesBatch` makes one of them, block by block, as bytes:
// `Sale` draws a transaction, `SaleWriter` writes it, `SaleFault` breaks it where that is wanted. `SalesFiles` brings a set
// of them to its place, one thread a file. Nothing here reads the clock, the locale or a hash that differs from one
// process to the next: the same plan gives the same bytes on every machine.
