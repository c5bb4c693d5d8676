// The ground that every floor stands on: the one error (`SluiceError`), bytes (`Buffer`, `MutableBuffer`), and the
// protocols by which bytes are read and written (`RandomAccess`, `ByteStream`, `ByteSink`). It knows nothing of
// files, networks, tables or settings.
