// Classic: the `classic/1` report, byte for byte what a Python 3.11 program makes of the same batch.
//
// People who diff reports against those that they have need every oddity of what made them: binary floats summed from
// left to right, one broken record that ends the batch, rows that are abandoned half counted. So this is the one place
// where Sluice behaves as another language does.
//
// `ClassicBatch` pulls the text through a `Window`, and `Document` walks it, member by member and record by record, so
// that neither the text nor the records are ever held whole. `Scanner` parses as `json.loads` does and says what it says
// of mistakes; `IsoTimestamp`, `PythonNumber`, `KeyTable` and `StableOrder` are `datetime.fromisoformat`, numbers,
// dictionaries and `sorted`; `PythonJSON` writes as `json.dump` does. `Validation`, `Aggregates` and `Anomalies` are the
// rules.
