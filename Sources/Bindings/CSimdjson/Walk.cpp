#include "Walk.hpp"

#include <charconv>
#include <random>
#include <simdjson.h>

struct sluice_json_parser {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;
    size_t capacity = 0;
};

extern "C" int sluice_json_padding(void) { return simdjson::SIMDJSON_PADDING; }

extern "C" sluice_json_parser *sluice_json_parser_create(void) { return new (std::nothrow) sluice_json_parser; }

extern "C" void sluice_json_parser_free(sluice_json_parser *parser) { delete parser; }

namespace sluice {

const double powers_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Drawn once a process, so that nobody can prepare keys that collide.
const u64 hash_seed = [] {
    std::random_device device;
    return u64(device()) << 32 | device();
}();

bool to_double_slow(const Number &n, double &out) {
    auto result = std::from_chars(reinterpret_cast<const char *>(n.start), reinterpret_cast<const char *>(n.end), out);
    return result.ec == std::errc();
}

bool tells_slow(const Number &n, double d) {
    if (n.w == 0) return true;
    u64 w = n.w;
    if (n.digits > 19) {
        // Only zeros may have been dropped.
        int seen = 0;
        for (const u8 *p = n.start; p < n.end && (*p | 0x20) != 'e'; p++) {
            if (u8(*p - '0') >= 10 || (seen == 0 && *p == '0')) continue;
            if (++seen > 19 && *p != '0') return false;
        }
    }
    long exponent = n.exponent;
    while (w % 10 == 0) {
        w /= 10;
        exponent++;
    }
    char text[64];
    auto result = std::to_chars(text, text + sizeof text, d, std::chars_format::scientific);
    u64 digits = 0;
    long places = 0;
    bool behind = false;
    const char *p = text + (text[0] == '-');
    for (; p < result.ptr && *p != 'e'; p++) {
        if (*p == '.') {
            behind = true;
            continue;
        }
        digits = digits * 10 + u64(*p - '0');
        places += behind;
    }
    long e = 0;
    if (p < result.ptr) std::from_chars(p[1] == '+' ? p + 2 : p + 1, result.ptr, e);
    e -= places;
    while (digits != 0 && digits % 10 == 0) {
        digits /= 10;
        e++;
    }
    return digits == w && e == exponent;
}

bool to_decimal(const Number &n, int precision, int scale, __int128 &out) {
    static const struct Powers {
        u128 value[39];
        Powers() {
            value[0] = 1;
            for (int i = 1; i < 39; i++) value[i] = value[i - 1] * 10;
        }
    } powers;
    u128 w = n.w;
    long exponent = n.exponent;
    if (n.digits > 19) {
        w = 0;
        int taken = 0;
        for (const u8 *p = n.start; p < n.end && (*p | 0x20) != 'e'; p++) {
            if (u8(*p - '0') >= 10 || (taken == 0 && *p == '0')) continue;
            if (++taken > 38) {
                if (*p != '0') return false;
            } else {
                w = w * 10 + (*p - '0');
                if (taken > 19) exponent--;
            }
        }
    }
    if (w == 0) {
        out = 0;
        return true;
    }
    long shift = exponent + scale;
    while (shift < 0 && w % 10 == 0) {
        w /= 10;
        shift++;
    }
    if (shift < 0 || shift > 38) return false;
    const u128 limit = powers.value[precision];
    if (w >= limit || (shift > 0 && w > (limit - 1) / powers.value[shift])) return false;
    w *= powers.value[shift];
    out = n.negative ? -__int128(w) : __int128(w);
    return true;
}

namespace {
int hex(u8 c) {
    if (u8(c - '0') < 10) return c - '0';
    c |= 0x20;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int hex4(const u8 *p, const u8 *end) {
    if (end - p < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hex(p[i]);
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

/// Reads the escape at `p` (behind the backslash). Returns its code point, -1 when it is none, -2 for half a pair.
int32_t escape(const u8 *&p, const u8 *end) {
    if (p >= end) return -1;
    switch (*p++) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: return -1;
    }
    const int unit = hex4(p, end);
    if (unit < 0) return -1;
    p += 4;
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    if (unit > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u') return -2;
    const int low = hex4(p + 2, end);
    if (low < 0) return -1;
    if (low < 0xdc00 || low > 0xdfff) return -2;
    p += 6;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}
} // namespace

long Walk::unescape(const u8 *p, size_t count, u8 *out) {
    const u8 *const end = p + count;
    u8 *const begin = out;
    while (p < end) {
        const u8 *next = static_cast<const u8 *>(std::memchr(p, '\\', size_t(end - p)));
        const u8 *stop = next ? next : end;
        std::memcpy(out, p, size_t(stop - p));
        out += stop - p;
        if (!next) break;
        p = next + 1;
        const int32_t point = escape(p, end);
        if (point < 0) {
            fail(point == -1 ? SLUICE_JSON_ESCAPE : SLUICE_JSON_SURROGATE, size_t(next - buf));
            return -1;
        }
        if (point < 0x80) {
            *out++ = u8(point);
        } else if (point < 0x800) {
            *out++ = u8(0xc0 | point >> 6);
            *out++ = u8(0x80 | (point & 0x3f));
        } else if (point < 0x10000) {
            *out++ = u8(0xe0 | point >> 12);
            *out++ = u8(0x80 | (point >> 6 & 0x3f));
            *out++ = u8(0x80 | (point & 0x3f));
        } else {
            *out++ = u8(0xf0 | point >> 18);
            *out++ = u8(0x80 | (point >> 12 & 0x3f));
            *out++ = u8(0x80 | (point >> 6 & 0x3f));
            *out++ = u8(0x80 | (point & 0x3f));
        }
    }
    return out - begin;
}

bool Walk::check_escapes(const u8 *p, size_t count) {
    const u8 *const end = p + count;
    while (p < end && (p = static_cast<const u8 *>(std::memchr(p, '\\', size_t(end - p))))) {
        const u8 *const at = p++;
        const int32_t point = escape(p, end);
        if (point == -1) return fail(SLUICE_JSON_ESCAPE, size_t(at - buf));
        // Half of a pair is well-formed JSON, and nothing is made of it here.
        if (point == -2 && layout->whole_characters) return fail(SLUICE_JSON_SURROGATE, size_t(at - buf));
    }
    return true;
}

bool Walk::skip(int depth) {
    const int room = layout->max_depth - depth;
    int open = 0;
    for (;;) {
        // A value.
        const u8 c = here();
        switch (c) {
        case '{':
        case '[': {
            if (open >= room) return fail(SLUICE_JSON_DEPTH, *ix);
            if (c == '{') nesting[open >> 6] |= u64(1) << (open & 63);
            else nesting[open >> 6] &= ~(u64(1) << (open & 63));
            open++;
            ix++;
            if (here() == (c == '{' ? '}' : ']')) {
                ix++;
                open--;
                break;
            }
            if (c == '{') goto key;
            continue;
        }
        case '"': {
            const u8 *start;
            size_t count;
            raw_string(start, count);
            if (has_escape(start, count) && !check_escapes(start, count)) return false;
            ix++;
            break;
        }
        case 't':
            if (!true_()) return false;
            break;
        case 'f':
            if (!false_()) return false;
            break;
        case 'n':
            if (!null_()) return false;
            break;
        default: {
            if (c != '-' && u8(c - '0') >= 10) return unexpected();
            Number n;
            if (!number(n)) return false;
        }
        }
        // What follows a value.
        for (;;) {
            if (open == 0) return true;
            const bool object = nesting[(open - 1) >> 6] >> ((open - 1) & 63) & 1;
            const u8 d = here();
            if (d == ',') {
                ix++;
                if (object) goto key;
                break;
            }
            if (d != (object ? '}' : ']')) return unexpected();
            ix++;
            open--;
        }
        continue;
    key:
        if (here() != '"') return unexpected();
        {
            const u8 *start;
            size_t count;
            raw_string(start, count);
            if (has_escape(start, count) && !check_escapes(start, count)) return false;
        }
        ix++;
        if (here() != ':') return unexpected();
        ix++;
    }
}

namespace {
/// Where bytes that the first stage refused are bad: it says only that they are.
size_t find_bad(const u8 *text, size_t length, int code) {
    if (code == SLUICE_JSON_UTF8) {
        size_t low = 0;
        while (low < length) {
            const u8 c = text[low];
            size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
            if (n == 0 || low + n > length || (n > 1 && !simdjson::validate_utf8(
                                                            reinterpret_cast<const char *>(text + low), n)))
                return low;
            low += n;
        }
        return length;
    }
    bool inside = false;
    size_t opened = 0;
    for (size_t i = 0; i < length; i++) {
        if (inside && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            inside = !inside;
            opened = i;
        } else if (inside && text[i] < 0x20 && code == SLUICE_JSON_CONTROL) {
            return i;
        }
    }
    return opened;
}

/// The record that the byte at `at` is in: the first stage knows of no records.
int64_t record_at(const u8 *text, size_t length, size_t at) {
    int64_t begun = 0;
    int64_t depth = 0;
    bool inside = false;
    bool scalar = false;
    for (size_t i = 0; i <= at && i < length; i++) {
        const u8 c = text[i];
        if (inside) {
            if (c == '\\') i++;
            else if (c == '"') inside = false;
            continue;
        }
        const bool was = scalar;
        scalar = false;
        switch (c) {
        case ' ': case '\t': case '\n': case '\r': case ',': case ':': break;
        case '"':
            inside = true;
            begun += depth == 0;
            break;
        case '{': case '[': begun += depth++ == 0; break;
        case '}': case ']': depth -= depth > 0; break;
        default:
            scalar = true;
            begun += depth == 0 && !was;
        }
    }
    return begun > 0 ? begun - 1 : 0;
}
} // namespace

bool Walk::begin(sluice_json_parser *parser, const u8 *text, size_t count, const sluice_json_layout *lay) {
    buf = text;
    layout = lay;
    status = {0, -1, 0, 0};
    if (count > 0xfffffff0u) return fail(SLUICE_JSON_TOO_LARGE, 0);
    length = u32(count);
    static const u32 nothing[3] = {0, 0, 0};
    // Most texts have none: one quick look spares every string its own.
    may_escape = std::memchr(text, '\\', count) != nullptr;
    if (count == 0) {
        ix = last = nothing;
        return true;
    }
    if (!nesting) {
        nesting = static_cast<u64 *>(std::calloc(size_t(layout->max_depth) / 64 + 1, 8));
        if (!nesting) return fail(SLUICE_JSON_MEMORY, 0);
    }
    if (!parser->implementation || parser->capacity < count || (parser->capacity > (4u << 20) && count < parser->capacity / 4)) {
        // Room grows by steps, so that chunks of slightly different sizes do not each allocate.
        const size_t room = (count + (count >> 2) + 4095) & ~size_t(4095);
        parser->implementation.reset();
        auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
            room < 0xffffffffu ? room : 0xfffffff0u, 1, parser->implementation);
        if (error) {
            parser->implementation.reset();
            return fail(SLUICE_JSON_MEMORY, 0);
        }
        parser->capacity = room;
    }
    auto &implementation = *parser->implementation;
    auto refuse = [&](int code, size_t at) {
        fail(code, at);
        status.record = record_at(text, count, at);
        return false;
    };
    const auto error = implementation.stage1(text, count, simdjson::stage1_mode::regular);
    switch (error) {
    case simdjson::SUCCESS: break;
    case simdjson::EMPTY:
        ix = last = nothing;
        return true;
    case simdjson::UTF8_ERROR: return refuse(SLUICE_JSON_UTF8, find_bad(text, count, SLUICE_JSON_UTF8));
    case simdjson::UNCLOSED_STRING:
        // A line break says better where a closing quote is missing than the end of the text does.
        if (const size_t at = find_bad(text, count, SLUICE_JSON_CONTROL); at < count && text[at] < 0x20)
            return refuse(SLUICE_JSON_CONTROL, at);
        return refuse(SLUICE_JSON_UNCLOSED_STRING, find_bad(text, count, SLUICE_JSON_UNCLOSED_STRING));
    case simdjson::UNESCAPED_CHARS: return refuse(SLUICE_JSON_CONTROL, find_bad(text, count, SLUICE_JSON_CONTROL));
    default: return fail(SLUICE_JSON_MEMORY, 0);
    }
    u32 *indexes = implementation.structural_indexes.get();
    const u32 found = implementation.n_structural_indexes;
    indexes[found] = length; // the sentinel: padding is zero bytes
    indexes[found + 1] = length;
    ix = indexes;
    last = indexes + found;
    return true;
}

} // namespace sluice
