#include "CStripes.h"

#include <string.h>

// Eight chains at a time: 256 bits are as wide as registers get without the processor slowing its clock down for them, which
// all that is done beside the hashing would pay for.
typedef uint32_t lanes __attribute__((vector_size(32)));

static const uint32_t start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

void sluice_stripes_begin(sluice_stripes *state) {
    for (int word = 0; word < 8; word++)
        for (int lane = 0; lane < 16; lane++) state->words[word][lane] = start[word];
    state->rows = 0;
}

#define ROTATED(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
#define MIX(a, b, c, d, x, y)                                                                                          \
    v[a] += v[b] + m[x], v[d] ^= v[a], v[d] = ROTATED(v[d], 16), v[c] += v[d], v[b] ^= v[c], v[b] = ROTATED(v[b], 12), \
        v[a] += v[b] + m[y], v[d] ^= v[a], v[d] = ROTATED(v[d], 8), v[c] += v[d], v[b] ^= v[c],                        \
        v[b] = ROTATED(v[b], 7)
// The words of a block in the order in which a round takes them.
#define ROUND(a, b, c, d, e, f, g, h, i, j, k, l, n, o, p, q)                                                     \
    MIX(0, 4, 8, 12, a, b), MIX(1, 5, 9, 13, c, d), MIX(2, 6, 10, 14, e, f), MIX(3, 7, 11, 15, g, h),             \
        MIX(0, 5, 10, 15, i, j), MIX(1, 6, 11, 12, k, l), MIX(2, 7, 8, 13, n, o), MIX(3, 4, 9, 14, p, q)

// One for each kind of processor; the loader picks. AVX-512 has rotations and twice as many registers.
#if defined(__x86_64__)
__attribute__((target_clones("avx512vl", "avx2", "default")))
#endif
void sluice_stripes_take(sluice_stripes *state, const uint8_t *data, size_t rows) {
    lanes chains[2][8];
    for (int word = 0; word < 8; word++)
        for (int half = 0; half < 2; half++) memcpy(&chains[half][word], &state->words[word][half * 8], sizeof(lanes));
    const lanes zero = {0};
    for (size_t row = 0; row < rows; row++, data += SLUICE_STRIPES_ROW) {
        const uint64_t number = state->rows + row;
        for (int half = 0; half < 2; half++) {
            lanes *const h = chains[half];
            lanes m[16];
            for (int word = 0; word < 16; word++) memcpy(&m[word], data + word * 64 + half * 32, sizeof(lanes));
            lanes v[16] = {
                h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], zero + start[0], zero + start[1], zero + start[2],
                zero + start[3], zero + (uint32_t)number, zero + (uint32_t)(number >> 32), zero + 64, zero,
            };
            ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
            ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
            ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
            ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
            ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
            ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);
            for (int word = 0; word < 8; word++) h[word] = v[word] ^ v[word + 8];
        }
    }
    state->rows += rows;
    for (int word = 0; word < 8; word++)
        for (int half = 0; half < 2; half++) memcpy(&state->words[word][half * 8], &chains[half][word], sizeof(lanes));
}
