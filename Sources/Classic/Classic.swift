// Classic: the `classic/1` report, byte for byte what a Python 3.11 program makes of the same batch.
//
// People who diff reports against those that they have need every oddity of what made them: binary floats summed from
// left to right, one broken record that ends the batch, rows that are abandoned half counted. So this is the one place
// where Sluice behaves as another language does. `Scanner` parses as `json.loads` does and reports its errors;
// `IsoTimestamp`, `PythonNumber`, `KeyTable` and `StableOrder` are `datetime.fromisoformat`, numbers, dictionaries and
// `sorted`; `PythonJSON` writes as `json.dump` does; `Validation`, `Aggregates` and `Anomalies` are the rules, and
// `ClassicBatch` ties them together: records are dealt with one by one as the document is walked.
