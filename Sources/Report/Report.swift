// Report: the job kind that reads files of sales and writes what is in them.
//
// `ReportKeys` and `RuleKeys` say what may be written in a `sluice.yaml`, `ReportJob` is what was written. `ReportRun` does
// it: `InputFinder` looks up the inputs, the engine in `Sales` reads each into a partial, `ReportWriter` puts the reports,
// pages, tables and rejects of a partial into a lake, and `ReportLedger` remembers which content was done with which
// rules. `ReportTask` is the same for one file, told by environment variables, as a container runs it.
