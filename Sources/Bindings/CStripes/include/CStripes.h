#pragma once

#include <stddef.h>
#include <stdint.h>

// Sixteen chains of BLAKE3's compression function side by side, over the sixteen 32-bit columns of lines of 64 bytes.
//
// A single chain of SHA-256 keeps a processor without instructions of its own busy at some 400 MB/s, longer than reading
// all that is in the bytes. Sixteen chains keep all of its vector units busy.

/// How many bytes are taken at a time: sixteen lines, a block for each column.
#define SLUICE_STRIPES_ROW 1024

/// The state of sixteen chains, word by word.
typedef struct {
    uint32_t words[8][16];
    uint64_t rows;
} sluice_stripes;

/// Begins sixteen chains.
void sluice_stripes_begin(sluice_stripes *state);

/// Takes `rows` rows. Words are read in the machine's order, which is little-endian wherever this is built.
void sluice_stripes_take(sluice_stripes *state, const uint8_t *data, size_t rows);
