#include "CNumbers.h"

#include <charconv>

extern "C" int sluice_parse_double(const char *text, size_t length, double *value) {
    auto result = std::from_chars(text, text + length, *value);
    return result.ec == std::errc() && result.ptr == text + length;
}

extern "C" size_t sluice_format_double(double value, char *out) {
    return std::to_chars(out, out + 32, value).ptr - out;
}

extern "C" size_t sluice_format_float(float value, char *out) {
    return std::to_chars(out, out + 32, value).ptr - out;
}
