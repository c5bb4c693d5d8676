#ifndef SLUICE_NUMBERS_H
#define SLUICE_NUMBERS_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Reads all of `text[0..<length]` as a decimal floating point literal, rounding correctly.
/// Returns 1 and sets `*value`, or 0 when the text is not entirely a number.
int sluice_parse_double(const char *text, size_t length, double *value);

/// Writes the shortest text that reads back as `value` to `out` (at least 32 bytes). Returns its length.
size_t sluice_format_double(double value, char *out);

/// Writes the shortest text that reads back as `value` to `out` (at least 32 bytes). Returns its length.
size_t sluice_format_float(float value, char *out);

#ifdef __cplusplus
}
#endif
#endif
