// Finds where records end in a stream, 64 bytes at a time: quotes and backslashes tell what is string, brackets outside
// of strings are counted. A block is looked at closely only when its brackets can close a record.
#include "CSimdjson.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

struct Block {
    uint64_t quote, backslash, open, close;
};

#if defined(__SSE2__)
inline uint64_t gather(__m128i a, __m128i b, __m128i c, __m128i d) {
    return uint64_t(uint32_t(_mm_movemask_epi8(a))) | uint64_t(uint32_t(_mm_movemask_epi8(b))) << 16 |
           uint64_t(uint32_t(_mm_movemask_epi8(c))) << 32 | uint64_t(uint32_t(_mm_movemask_epi8(d))) << 48;
}

inline uint64_t equal(const __m128i *v, char byte) {
    const __m128i wanted = _mm_set1_epi8(byte);
    return gather(_mm_cmpeq_epi8(v[0], wanted), _mm_cmpeq_epi8(v[1], wanted), _mm_cmpeq_epi8(v[2], wanted),
                  _mm_cmpeq_epi8(v[3], wanted));
}

inline Block look(const uint8_t *p) {
    __m128i v[4], low[4];
    const __m128i fold = _mm_set1_epi8(0x20);
    for (int i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p) + i);
        low[i] = _mm_or_si128(v[i], fold); // '[' and '{' become one byte, and ']' and '}'
    }
    return {equal(v, '"'), equal(v, '\\'), equal(low, '{'), equal(low, '}')};
}

inline uint64_t newlines(const uint8_t *p) {
    __m128i v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p) + i);
    return equal(v, '\n');
}

inline uint64_t commas(const uint8_t *p) {
    __m128i v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p) + i);
    return equal(v, ',');
}
#else
inline uint64_t equal(const uint8_t *p, uint8_t fold, uint8_t byte) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) bits |= uint64_t((p[i] | fold) == byte) << i;
    return bits;
}
inline Block look(const uint8_t *p) {
    return {equal(p, 0, '"'), equal(p, 0, '\\'), equal(p, 0x20, '{'), equal(p, 0x20, '}')};
}
inline uint64_t newlines(const uint8_t *p) { return equal(p, 0, '\n'); }
inline uint64_t commas(const uint8_t *p) { return equal(p, 0, ','); }
#endif

/// Bit i of the result is the parity of bits 0 … i.
inline uint64_t parity(uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/// Which bytes stand behind an odd run of backslashes.
inline uint64_t escapes(uint64_t backslash, uint64_t before) {
    backslash &= ~before;
    const uint64_t even = 0x5555555555555555ULL;
    const uint64_t follows = backslash << 1 | before;
    const uint64_t odd_starts = backslash & ~even & ~follows;
    const uint64_t on_even = odd_starts + backslash; // the carry out is the caller's business
    return (even ^ (on_even << 1)) & follows;
}

/// Whether the byte behind a full block is escaped.
inline uint64_t escapes_next(uint64_t backslash, uint64_t before) {
    backslash &= ~before;
    const uint64_t even = 0x5555555555555555ULL;
    const uint64_t odd_starts = backslash & ~even & ~(backslash << 1 | before);
    uint64_t sum;
    const bool carry = __builtin_add_overflow(odd_starts, backslash, &sum);
    // The run that reaches the block's end is odd when it began on an odd place and overflowed, or began on an even
    // place and its last backslash escapes the next byte.
    return carry ? 1 : 0;
}

inline void step(sluice_json_cutter *s, const uint8_t *p, unsigned count, int64_t base, int64_t *cut) {
    Block b = look(p);
    uint64_t escaped;
    if (b.backslash) {
        escaped = escapes(b.backslash, s->escaped);
        s->escaped = count == 64 ? escapes_next(b.backslash, s->escaped) : escaped >> count & 1;
    } else {
        escaped = s->escaped;
        if (count > 0) s->escaped = 0;
    }
    const uint64_t inside = parity(b.quote & ~escaped) ^ s->in_string;
    s->in_string = uint64_t(int64_t(inside) >> 63);
    const uint64_t open = b.open & ~inside, close = b.close & ~inside;
    const int closes = __builtin_popcountll(close);
    const int64_t target = s->record_depth;
    if (s->depth - closes > target) {
        s->depth += __builtin_popcountll(open) - closes;
        return;
    }
    // Between brackets at the records' own depth, separators end records.
    uint64_t separators = (target ? commas(p) : newlines(p)) & ~inside;
    if (count < 64) separators &= (uint64_t(1) << count) - 1;
    uint64_t brackets = open | close;
    unsigned from = 0;
    int64_t depth = s->depth;
    for (;;) {
        const unsigned to = brackets ? unsigned(__builtin_ctzll(brackets)) : 64;
        if (depth <= target && to > from) {
            uint64_t between = separators & (~uint64_t(0) << from);
            if (to < 64) between &= (uint64_t(1) << to) - 1;
            if (between) *cut = base + 63 - __builtin_clzll(between) + (target ? 0 : 1);
        }
        if (!brackets) break;
        const uint64_t bit = brackets & (~brackets + 1);
        brackets ^= bit;
        if (open & bit) {
            depth++;
        } else {
            depth--;
            if (depth < target) {
                if (target) {
                    s->ended = 1;
                    s->depth = depth;
                    *cut = base + to;
                    return;
                }
                depth = 0; // a bracket too many: the parser will say so
            }
            if (depth == target && !target) *cut = base + to + 1;
        }
        from = to + 1;
        if (from == 64) break;
    }
    s->depth = depth;
}

} // namespace

extern "C" int64_t sluice_json_cut(sluice_json_cutter *cutter, const uint8_t *text, size_t length) {
    int64_t cut = -1;
    size_t i = 0;
    for (; i + 64 <= length && !cutter->ended; i += 64) step(cutter, text + i, 64, int64_t(i), &cut);
    if (i < length && !cutter->ended) {
        uint8_t rest[64];
        std::memset(rest, ' ', sizeof rest);
        std::memcpy(rest, text + i, length - i);
        step(cutter, rest, unsigned(length - i), int64_t(i), &cut);
    }
    return cut;
}
