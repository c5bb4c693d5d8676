#include "CChecksum.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FOLDING __attribute__((target("pclmul,sse4.1")))

int sluice_crc64_folds(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }

// The power of x by which the first eight of sixteen bytes, and that by which the last eight are multiplied to stand so many
// bits nearer to the end: x^(n + 63) and x^(n - 1), since a product of reflected words is one place too low.
#define POWERS_1024 _mm_set_epi64x(0x5f852fb61e8d92dcLL, (long long)0xa1ca681e733f9c40ULL)
#define POWERS_512 _mm_set_epi64x(0x62242240ace5045aLL, 0x0c32cdb31e18a84aLL)
#define POWERS_256 _mm_set_epi64x((long long)0xe1e0bb9d45d7a44cULL, (long long)0xb0bc2e589204f500ULL)
#define POWERS_128 _mm_set_epi64x(0x21e9761e252621acLL, (long long)0xeadc41fd2ba3d420ULL)

FOLDING static inline __m128i folded(__m128i bytes, __m128i powers, __m128i onto) {
    const __m128i first = _mm_clmulepi64_si128(bytes, powers, 0x00);
    const __m128i last = _mm_clmulepi64_si128(bytes, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, last), onto);
}

FOLDING static inline __m128i loaded(const uint8_t *data) { return _mm_loadu_si128((const __m128i *)data); }

FOLDING void sluice_crc64_fold(uint64_t state, const uint8_t *data, size_t count, uint8_t result[16]) {
    // Eight at a time, so that no multiplication waits for the one before it.
    __m128i sums[8];
    for (int i = 0; i < 8; i++) sums[i] = loaded(data + 16 * i);
    sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi64_si128((long long)state));
    size_t place = 128;
    for (; count - place >= 128; place += 128) {
        for (int i = 0; i < 8; i++) sums[i] = folded(sums[i], POWERS_1024, loaded(data + place + 16 * i));
    }
    for (int i = 0; i < 4; i++) sums[i] = folded(sums[i], POWERS_512, sums[i + 4]);
    for (int i = 0; i < 2; i++) sums[i] = folded(sums[i], POWERS_256, sums[i + 2]);
    __m128i sum = folded(sums[0], POWERS_128, sums[1]);
    for (; place < count; place += 16) sum = folded(sum, POWERS_128, loaded(data + place));
    _mm_storeu_si128((__m128i *)result, sum);
}

#else

int sluice_crc64_folds(void) { return 0; }

void sluice_crc64_fold(uint64_t state, const uint8_t *data, size_t count, uint8_t result[16]) {
    (void)state, (void)data, (void)count, (void)result;
}

#endif
