#include "CScan.h"

#include <cstring>
#include <random>
#include <simdjson.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

const uint64_t sluice_hash_seed = [] {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
}();

static inline uint64_t prefix_xor(uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

// MARK: Blocks of 64 bytes

#if defined(__x86_64__)

#define NAME find_fields_avx2
#define TARGET __attribute__((target("avx2,pclmul,popcnt,bmi,bmi2,lzcnt")))
#define LOAD(p)                                                \
    __m256i low = _mm256_loadu_si256((const __m256i *)(p));    \
    __m256i high = _mm256_loadu_si256((const __m256i *)(p) + 1)
#define EQUAL(byte)                                                                                  \
    ((uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, _mm256_set1_epi8((char)byte))) | \
     (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, _mm256_set1_epi8((char)byte))) << 32)
#define PREFIX_XOR(bits)                                                                              \
    (uint64_t) _mm_cvtsi128_si64(                                                                     \
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)(bits)), _mm_set1_epi8((char)0xff), 0))
#include "Kernel.inc"
#undef NAME
#undef TARGET
#undef LOAD
#undef EQUAL
#undef PREFIX_XOR

#define NAME find_fields_simd
#define TARGET
#define LOAD(p)                                          \
    __m128i b0 = _mm_loadu_si128((const __m128i *)(p)); \
    __m128i b1 = _mm_loadu_si128((const __m128i *)(p) + 1); \
    __m128i b2 = _mm_loadu_si128((const __m128i *)(p) + 2); \
    __m128i b3 = _mm_loadu_si128((const __m128i *)(p) + 3)
#define EQUAL16(block, byte) \
    ((uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8((char)byte))))
#define EQUAL(byte) (EQUAL16(b0, byte) | EQUAL16(b1, byte) << 16 | EQUAL16(b2, byte) << 32 | EQUAL16(b3, byte) << 48)
#define PREFIX_XOR(bits) prefix_xor(bits)
#include "Kernel.inc"

static bool find_fields(const uint8_t *data, size_t count, const sluice_csv_dialect &dialect, uint32_t *ends,
                        sluice_csv_scan &scan) {
    static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
                             __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    return wide ? find_fields_avx2(data, count, dialect, ends, scan)
                : find_fields_simd(data, count, dialect, ends, scan);
}

#else

#if defined(__aarch64__)

static inline uint64_t equal_mask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d, uint8_t byte) {
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t wanted = vdupq_n_u8(byte);
    uint8x16_t first = vpaddq_u8(vandq_u8(vceqq_u8(a, wanted), weights), vandq_u8(vceqq_u8(b, wanted), weights));
    uint8x16_t second = vpaddq_u8(vandq_u8(vceqq_u8(c, wanted), weights), vandq_u8(vceqq_u8(d, wanted), weights));
    first = vpaddq_u8(first, second);
    first = vpaddq_u8(first, first);
    return vgetq_lane_u64(vreinterpretq_u64_u8(first), 0);
}
#define LOAD(p) \
    uint8x16_t b0 = vld1q_u8(p), b1 = vld1q_u8((p) + 16), b2 = vld1q_u8((p) + 32), b3 = vld1q_u8((p) + 48)
#define EQUAL(byte) equal_mask(b0, b1, b2, b3, byte)

#else

static inline uint64_t equal_mask(const uint8_t *block, uint8_t byte) {
    uint64_t mask = 0;
    for (int i = 0; i < 64; i++) mask |= (uint64_t)(block[i] == byte) << i;
    return mask;
}
#define LOAD(p) const uint8_t *block = (p)
#define EQUAL(byte) equal_mask(block, byte)

#endif

#define NAME find_fields
#define TARGET
#define PREFIX_XOR(bits) prefix_xor(bits)
#include "Kernel.inc"

#endif

// MARK: Byte by byte

/// The same as the scan over blocks, for every dialect and for quotes in odd places: a quote opens only as the first
/// byte of a field, and what follows a closing quote up to the delimiter is taken as it is.
static void find_fields_slowly(const uint8_t *data, size_t count, const sluice_csv_dialect &dialect, uint32_t *ends,
                               sluice_csv_scan &scan) {
    scan = sluice_csv_scan{0, 0, 0, 0};
    size_t fields = 0, lines = 0, at = 0;
    bool record_start = true;
    while (at < count) {
        if (record_start && dialect.has_comment && data[at] == dialect.comment) {
            const void *end = memchr(data + at, dialect.newline, count - at);
            if (!end) return;
            at = (const uint8_t *)end - data;
        } else if (dialect.has_quote && data[at] == dialect.quote) {
            at++;
            for (;; at++) {
                if (at >= count) return;
                uint8_t byte = data[at];
                if (dialect.has_escape && byte == dialect.escape && dialect.escape != dialect.quote) {
                    if (++at < count && data[at] == dialect.newline) lines++;
                } else if (byte == dialect.quote) {
                    if (at + 1 < count && data[at + 1] == dialect.quote) at++;
                    else break;
                } else if (byte == dialect.newline) {
                    lines++;
                }
            }
            at++;
        }
        for (;; at++) {
            if (at >= count) return;
            uint8_t byte = data[at];
            if (byte == dialect.delimiter || byte == dialect.newline) break;
            if (dialect.has_escape && byte == dialect.escape && dialect.escape != dialect.quote) {
                if (++at < count && data[at] == dialect.newline) lines++;
            }
        }
        record_start = data[at] == dialect.newline;
        at++;
        ends[fields++] = (uint32_t)at | (record_start ? 0x80000000u : 0);
        if (record_start) {
            scan.fields = fields;
            scan.records++;
            scan.consumed = at;
            scan.lines = ++lines;
        }
    }
}

void sluice_csv_find_fields(const uint8_t *data, size_t count, const sluice_csv_dialect *dialect, uint32_t *ends,
                            sluice_csv_scan *scan) {
    bool escaped = dialect->has_escape && dialect->escape != dialect->quote;
    if (!escaped && !dialect->has_comment && find_fields(data, count, *dialect, ends, *scan)) return;
    find_fields_slowly(data, count, *dialect, ends, *scan);
}

// MARK: Bytes

int sluice_is_utf8(const uint8_t *data, size_t count) { return simdjson::validate_utf8((const char *)data, count); }

size_t sluice_count_byte(const uint8_t *data, size_t count, uint8_t byte) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) total += data[i] == byte;
    return total;
}
