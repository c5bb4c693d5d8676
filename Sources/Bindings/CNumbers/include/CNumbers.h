#ifndef SLUICE_NUMBERS_H
#define SLUICE_NUMBERS_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Reads all of `text[0..<length]` as a decimal floating point literal, rounding correctly.
/// Returns 1 and sets `*value`, or 0 when the text is not entirely a number.
int sluice_parse_double(const char *text, size_t length, double *value);

/// Writes the shortest digits that read back as `value`, which is finite, to `out` (at least 32 bytes). Returns the
/// length. There is always a point or an exponent: `1.0`, `0.1`, `1e+16`, `5e-324`, `-0.0`.
size_t sluice_format_double(double value, char *out);

/// Writes the shortest digits that read back as `value`, which is finite, to `out` (at least 32 bytes). Returns the
/// length. There is always a point or an exponent: `1.0`, `0.1`, `1e+16`, `5e-324`, `-0.0`.
size_t sluice_format_float(float value, char *out);

#ifdef __cplusplus
}
#endif
#endif
