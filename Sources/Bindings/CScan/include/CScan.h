#ifndef SLUICE_SCAN_H
#define SLUICE_SCAN_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The bytes that give a delimited text its structure.
typedef struct {
    uint8_t delimiter;
    /// `\n` (with or without a `\r` before it), or `\r` in files that have no `\n`.
    uint8_t newline;
    uint8_t quote;
    uint8_t escape;
    uint8_t comment;
    /// Whether `quote`, `escape` and `comment` mean anything.
    uint8_t has_quote;
    uint8_t has_escape;
    uint8_t has_comment;
} sluice_csv_dialect;

/// What a scan found.
typedef struct {
    /// How many field ends were written.
    size_t fields;
    /// How many of them end a record.
    size_t records;
    /// Up to where whole records go: behind the newline of the last one.
    size_t consumed;
    /// How many newline bytes there are up to there, those inside quotes among them.
    size_t lines;
} sluice_csv_scan;

/// Finds the ends of fields in `data[0..<count]`, which begins at a record and has 64 readable bytes behind it.
///
/// For each field of a whole record, `ends` gets the position behind the delimiter or newline that ends it, with
/// the top bit set for a newline. `ends` has room for `count + 64` entries; `count` is less than 2^31. A comment is
/// one record of one field.
void sluice_csv_find_fields(const uint8_t *data, size_t count, const sluice_csv_dialect *dialect, uint32_t *ends,
                            sluice_csv_scan *scan);

/// Whether `data[0..<count]` is UTF-8 throughout.
int sluice_is_utf8(const uint8_t *data, size_t count);

/// How many bytes of `data[0..<count]` are `byte`.
size_t sluice_count_byte(const uint8_t *data, size_t count, uint8_t byte);

/// Drawn once a process, so that nobody can prepare keys that collide.
extern const uint64_t sluice_hash_seed;

/// Asks for memory that is needed soon.
static inline void sluice_prefetch(const void *address) { __builtin_prefetch(address); }

#ifdef __cplusplus
}
#endif
#endif
