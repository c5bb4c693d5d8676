// What the walks over a chunk's tokens share: the tokens, errors, numbers, strings, and skipping with validation.
#pragma once
#include "CSimdjson.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace sluice {

using u8 = uint8_t;
using u32 = uint32_t;
using u64 = uint64_t;
using u128 = unsigned __int128;

inline u64 load64(const u8 *p) {
    u64 v;
    std::memcpy(&v, p, 8);
    return v;
}

inline bool is_space(u8 c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
/// Whether a number or word may end before `c`.
inline bool ends_scalar(u8 c) {
    // One look instead of nine: a bit for each such byte below 0x40, and brackets apart.
    constexpr u64 low = u64(1) << ' ' | u64(1) << '\n' | u64(1) << '\r' | u64(1) << '\t' | u64(1) << ',' | u64(1) << ':' | 1;
    return c < 0x40 ? low >> c & 1 : c == '}' || c == ']';
}

/// A number's literal taken apart: `w × 10^exponent`.
struct Number {
    u64 w = 0;           ///< the first 19 significant digits
    int exponent = 0;    ///< the power of ten that `w` is to be multiplied with
    int digits = 0;      ///< significant digits written, zeros at the front left out
    int fraction = 0;    ///< digits written behind the point, less the exponent: the last digit's place
    bool negative = false;
    bool whole = true;   ///< neither point nor exponent
    const u8 *start = nullptr, *end = nullptr;

    int integer_digits() const { return w == 0 ? 0 : (digits - fraction > 0 ? digits - fraction : 0); }
    int scale() const { return fraction > 0 ? fraction : 0; }
};

/// Reads a number; false when it is not one.
inline bool read_number(const u8 *p, Number &n) {
    n = Number();
    n.start = p;
    if (*p == '-') {
        n.negative = true;
        p++;
    }
    const u8 *first = p;
    u64 w = 0;
    while (u8(*p - '0') < 10) {
        w = w * 10 + (*p - '0');
        p++;
    }
    long integers = p - first;
    if (integers == 0 || (*first == '0' && integers > 1)) return false;
    long behind = 0, significant = integers;
    if (*first == '0') significant = 0;
    const u8 *point = nullptr;
    if (*p == '.') {
        n.whole = false;
        point = p++;
        while (u8(*p - '0') < 10) {
            w = w * 10 + (*p - '0');
            p++;
        }
        behind = p - point - 1;
        if (behind == 0) return false;
        if (significant == 0) {
            const u8 *q = point + 1;
            while (q < p && *q == '0') q++;
            significant = p - q;
        } else {
            significant += behind;
        }
    }
    const u8 *digits_end = p;
    long e = 0;
    if ((*p | 0x20) == 'e') {
        n.whole = false;
        p++;
        bool minus = *p == '-';
        if (minus || *p == '+') p++;
        const u8 *start = p;
        while (u8(*p - '0') < 10) {
            if (e < 100000000) e = e * 10 + (*p - '0');
            p++;
        }
        if (p == start) return false;
        if (minus) e = -e;
    }
    if (!ends_scalar(*p)) return false;
    n.end = p;
    if (significant > 19) {
        // Only the first 19 count in `w`; the others move the exponent.
        w = 0;
        long taken = 0, dropped = 0;
        for (const u8 *q = first; q < digits_end; q++) {
            if (*q == '.') continue;
            if (taken == 0 && *q == '0') continue;
            if (taken < 19) {
                w = w * 10 + (*q - '0');
                taken++;
            } else {
                dropped++;
            }
        }
        n.exponent = int(e - behind + dropped);
    } else {
        n.exponent = int(e - behind);
    }
    n.w = w;
    const long limit = 1000000000;
    n.digits = int(significant < limit ? significant : limit);
    long place = behind - e;
    n.fraction = int(place > limit ? limit : (place < -limit ? -limit : place));
    return true;
}

/// The nearest double; false when it is too large, or too small for any but zero.
bool to_double_slow(const Number &n, double &out);
extern const double powers_of_ten[23];

inline bool to_double(const Number &n, double &out) {
    if (n.w < (u64(1) << 53) && n.digits <= 19 && n.exponent >= -22 && n.exponent <= 22) {
        double d = double(n.w);
        d = n.exponent < 0 ? d / powers_of_ten[-n.exponent] : d * powers_of_ten[n.exponent];
        out = n.negative ? -d : d;
        return true;
    }
    return to_double_slow(n, out);
}

/// Whether the shortest text of the nearest double is the same number as the literal.
bool tells_slow(const Number &n, double d);
inline bool tells(const Number &n, double d) {
    if (n.digits <= 15 && n.exponent > -290 && n.exponent < 290) return true;
    return tells_slow(n, d);
}

/// Whether the whole number is within what every double holds exactly.
inline bool integer_is_double(const Number &n) { return n.w <= (u64(1) << 53) && n.digits <= 19; }

/// Whether the literal is an integer; minus zero is none.
inline bool is_integer(const Number &n) { return n.whole && !(n.negative && n.w == 0); }

/// The literal as an integer of at most `precision` digits times 10^-scale; false when it is not one.
bool to_decimal(const Number &n, int precision, int scale, __int128 &out);

/// Tokens of a chunk, and the place reached.
struct Walk {
    const u8 *buf = nullptr;
    const u32 *ix = nullptr;
    const u32 *last = nullptr; ///< the sentinel behind the last token, whose byte is 0
    u32 length = 0;
    const sluice_json_layout *layout = nullptr;
    sluice_json_status status{0, -1, 0, 0};
    std::string scratch;
    int64_t filled = 0; ///< missing values so far
    bool may_escape = true; ///< whether there is a backslash anywhere in the text
    u64 *nesting = nullptr; ///< a bit for each open bracket of a skipped value: 1 for objects

    Walk() = default;
    Walk(const Walk &) = delete;
    ~Walk() { std::free(nesting); }

    u8 here() const { return buf[*ix]; }

    bool fail(int code, size_t offset, int node = -1) {
        if (status.code == 0) {
            status.code = code;
            status.offset = int64_t(offset);
            status.node = node;
        }
        return false;
    }
    /// Something else than what belongs here.
    bool unexpected() {
        const bool end = *ix >= length;
        return fail(end ? SLUICE_JSON_TRUNCATED : SLUICE_JSON_UNEXPECTED, *ix);
    }

    /// Where the value whose tokens end before `ix` ends: white space before the next token is none of it.
    const u8 *end_before(const u32 *next) const {
        const u8 *p = buf + *next;
        while (is_space(p[-1])) p--;
        return p;
    }

    bool word(const u8 *p, const char *text, size_t count) {
        if (std::memcmp(p, text, count) != 0 || !ends_scalar(p[count])) return unexpected();
        if (p[count] == 0 && p + count != buf + length) return unexpected();
        ix++;
        return true;
    }
    bool null_() { return word(buf + *ix, "null", 4); }
    bool true_() { return word(buf + *ix, "true", 4); }
    bool false_() { return word(buf + *ix, "false", 5); }
    bool number(Number &n) {
        if (!read_number(buf + *ix, n)) return fail(SLUICE_JSON_NUMBER, *ix);
        if (*n.end == 0 && n.end != buf + length) return fail(SLUICE_JSON_NUMBER, *ix);
        ix++;
        return true;
    }

    /// The bytes between the quotes of the string here, escapes as they are.
    void raw_string(const u8 *&start, size_t &count) const {
        start = buf + *ix + 1;
        count = size_t(end_before(ix + 1) - 1 - start);
    }
    /// Whether there is an escape in the bytes, which are followed by padding.
    bool has_escape(const u8 *p, size_t count) const {
        if (!may_escape) return false;
        if (count > 64) return std::memchr(p, '\\', count) != nullptr;
        // Strings are short: eight bytes at a time are quicker than a call.
        u64 found = 0;
        for (size_t i = 0; i < count; i += 8) {
            u64 word = load64(p + i);
            if (count - i < 8) word &= (u64(1) << (8 * (count - i))) - 1;
            const u64 other = word ^ 0x5c5c5c5c5c5c5c5cULL;
            found |= (other - 0x0101010101010101ULL) & ~other & 0x8080808080808080ULL;
        }
        return found != 0;
    }
    /// Writes what the escapes stand for to `out`, which has room for `count`. Returns the length, or -1 and an error.
    long unescape(const u8 *p, size_t count, u8 *out);

    /// Whether the escapes in a string all stand for something.
    bool check_escapes(const u8 *p, size_t count);
    /// Validates the value here and steps over it.
    bool skip(int depth);
    /// Begins with the tokens of a parser.
    bool begin(sluice_json_parser *parser, const u8 *text, size_t length, const sluice_json_layout *layout);
    /// Calls `body` at every record.
    template <typename F> bool records(F &&body) {
        status.record = 0;
        if (ix == last) return true;
        for (;;) {
            if (!body()) return false;
            status.record++;
            if (ix == last) return true;
            if (layout->commas) {
                if (here() != ',') return unexpected();
                ix++;
            }
            if (layout->max_filled > 0 && filled > layout->max_filled) return fail(SLUICE_JSON_PARTIAL, *ix);
        }
    }
    /// Counts values that are missing and still take room.
    bool fill(u32 cells) {
        filled += cells;
        if (layout->max_filled > 0 && filled / 16 > layout->max_filled) return fail(SLUICE_JSON_MEMORY, *ix);
        return true;
    }
};

extern const u64 hash_seed;
inline u64 hash_bytes(const u8 *p, size_t count) {
    u64 h = hash_seed ^ (count * 0x9e3779b97f4a7c15ULL);
    auto mix = [&h](u64 v) {
        const u128 m = u128(h ^ v) * 0xd6e8feb86659fd93ULL;
        h = u64(m) ^ u64(m >> 64);
    };
    for (; count >= 8; p += 8, count -= 8) mix(load64(p));
    u64 rest = 0;
    if (count) std::memcpy(&rest, p, count);
    mix(rest);
    return h;
}

} // namespace sluice
