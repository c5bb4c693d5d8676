#pragma once

#include <stddef.h>
#include <stdint.h>

// The checksum of Azure Storage by multiplication without carries, which processors have for the sake of encryption.
//
// Bytes far from the end are folded onto bytes nearer to it: multiplied by the power of x that lies between them, modulo the
// checksum's polynomial, they do there what they did before. Sixteen bytes remain, whose checksum tables find.

/// How many bytes `sluice_crc64_fold` wants at least.
#define SLUICE_CRC64_LEAST 128

/// Whether this processor can fold.
int sluice_crc64_folds(void);

/// Folds `count` bytes, a multiple of 16 and at least `SLUICE_CRC64_LEAST`, into 16 that have the same checksum.
///
/// `state` is that of the bytes before them; that of the 16 begins with 0. Only where `sluice_crc64_folds`.
void sluice_crc64_fold(uint64_t state, const uint8_t *data, size_t count, uint8_t folded[16]);
