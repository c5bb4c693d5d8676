#include "CNumbers.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

extern "C" int sluice_parse_double(const char *text, size_t length, double *value) {
    auto result = std::from_chars(text, text + length, *value);
    return result.ec == std::errc() && result.ptr == text + length;
}

/// Lays the shortest digits of `value` out as people write them: plainly from 0.0001 up to 10^16, with an exponent
/// beyond. Whole numbers below `exact`, which have no shorter form than their own digits, skip the search for it.
template <typename T> static size_t format(T value, T exact, char *out) {
    char *const begin = out;
    if (std::signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    if (value < exact) {
        auto whole = static_cast<std::uint64_t>(value);
        if (static_cast<T>(whole) == value) {
            out = std::to_chars(out, out + 20, whole).ptr;
            *out++ = '.';
            *out++ = '0';
            return out - begin;
        }
    }
    char text[32];
    char *end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    char *mark = end - 4;
    if (*mark != 'e') mark--;
    if (*mark != 'e') {  // NaN and the infinities have no exponent.
        std::memcpy(out, text, end - text);
        return out + (end - text) - begin;
    }
    int exponent = 0;
    std::from_chars(mark + 2, end, exponent);
    if (mark[1] == '-') exponent = -exponent;
    if (exponent < -4 || exponent >= 16) {
        std::memcpy(out, text, end - text);
        return out + (end - text) - begin;
    }
    int digits = 1;  // `text` holds d[.ddd]e±xx; close the gap that the point left.
    if (mark - text > 1) {
        digits = static_cast<int>(mark - text) - 1;
        std::memmove(text + 1, text + 2, digits - 1);
    }
    if (exponent < 0) {
        std::memcpy(out, "0.0000", 1 - exponent);
        out += 1 - exponent;
        std::memcpy(out, text, digits);
        out += digits;
    } else if (digits <= exponent + 1) {
        std::memcpy(out, text, digits);
        std::memset(out + digits, '0', exponent + 1 - digits);
        out += exponent + 1;
        *out++ = '.';
        *out++ = '0';
    } else {
        std::memcpy(out, text, exponent + 1);
        out += exponent + 1;
        *out++ = '.';
        std::memcpy(out, text + exponent + 1, digits - exponent - 1);
        out += digits - exponent - 1;
    }
    return out - begin;
}

extern "C" size_t sluice_format_double(double value, char *out) { return format(value, 9007199254740992.0, out); }

extern "C" size_t sluice_format_float(float value, char *out) { return format(value, 16777216.0f, out); }
