// Tar: archives that are the same whenever their contents are (`TarWriter`), and those of strangers (`TarReader`,
// `TarIndex`), in which no size, name or link is believed before it was looked at.
