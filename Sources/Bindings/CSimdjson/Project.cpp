// Puts the values of records into the buffers of a plan.
#include "Plan.hpp"

using namespace sluice;

namespace {

u8 tag_of(u8 c) {
    switch (c) {
    case '{': return SLUICE_JSON_TAG_OBJECT;
    case '[': return SLUICE_JSON_TAG_ARRAY;
    case '"': return SLUICE_JSON_TAG_STRING;
    case 't':
    case 'f': return SLUICE_JSON_TAG_BOOL;
    default: return SLUICE_JSON_TAG_BIG;
    }
}

struct Projector : Walk {
    bool strict = false;

    bool mismatch(const Node &node) { return fail(SLUICE_JSON_MISMATCH, *ix, node.id); }
    bool mismatch_before(const Node &node) {
        ix--;
        return mismatch(node);
    }

    /// A value of a tagged structure or list that is something else.
    bool something_else(Node &node, int depth) {
        if (!(node.what.flags & SLUICE_JSON_TAGGED)) return mismatch(node);
        u8 kind = tag_of(here());
        if (kind != SLUICE_JSON_TAG_BIG) {
            if (!skip(depth)) return false;
        } else {
            Number n;
            if (here() != '-' && u8(here() - '0') >= 10) return unexpected();
            if (!number(n)) return false;
            u64 payload;
            kind = number_tag(n, payload);
        }
        if (!fill(node.weight)) return false;
        node.put_null();
        node.tag(kind);
        return true;
    }

    /// Which kind of number it is, and its 64 bits when they suffice.
    static u8 number_tag(const Number &n, u64 &payload) {
        __int128 v;
        double d;
        payload = 0;
        if (n.whole) {
            if (n.digits > 20 || !to_decimal(n, 38, 0, v)) return SLUICE_JSON_TAG_BIG;
            if (v == __int128(int64_t(v))) {
                payload = u64(int64_t(v));
                return SLUICE_JSON_TAG_INT;
            }
            if (v < 0 || v != __int128(u64(v))) return SLUICE_JSON_TAG_BIG;
            payload = u64(v);
            return SLUICE_JSON_TAG_UINT;
        }
        if (!to_double(n, d) || !tells(n, d)) return SLUICE_JSON_TAG_BIG;
        std::memcpy(&payload, &d, 8);
        return SLUICE_JSON_TAG_DOUBLE;
    }

    /// The span of the bytes from `start` to `end`.
    u64 span_of(const u8 *start, const u8 *end) const { return u64(start - buf) | u64(end - start) << 32; }

    bool span(Node &node, int depth) {
        const u8 *const start = buf + *ix;
        const u8 c = *start;
        if (__builtin_expect(c == '"', 1)) {
            const u8 *const end = end_before(ix + 1) - 1;
            ix++;
            const bool escapes = has_escape(start + 1, size_t(end - start - 1));
            if (escapes && !check_escapes(start + 1, size_t(end - start - 1))) return false;
            node.put_span(span_of(start + 1, end), escapes ? SLUICE_JSON_TAG_ESCAPED : SLUICE_JSON_TAG_STRING);
            return true;
        }
        u8 tag;
        switch (c) {
        case 'n':
            if (!null_()) return false;
            tag = SLUICE_JSON_TAG_NULL;
            break;
        case 't':
        case 'f':
            if (!(c == 't' ? true_() : false_())) return false;
            tag = SLUICE_JSON_TAG_BOOL;
            break;
        case '{':
        case '[':
            if (!skip(depth)) return false;
            tag = tag_of(c);
            break;
        default: {
            if (c != '-' && u8(c - '0') >= 10) return unexpected();
            Number n;
            if (!number(n)) return false;
            tag = n.whole ? SLUICE_JSON_TAG_INT : SLUICE_JSON_TAG_DOUBLE;
            node.put_span(span_of(start, n.end), tag);
            return true;
        }
        }
        node.put_span(span_of(start, end_before(ix)), tag);
        return true;
    }

    /// How many of the first eight bytes are digits; they become their values.
    static int digits_of(u64 &word) {
        word ^= 0x3030303030303030ULL;
        const u64 others = ((word + 0x7676767676767676ULL) | word) & 0x8080808080808080ULL;
        return others ? __builtin_ctzll(others) >> 3 : 8;
    }
    /// The number that the first `count` (1 … 7) digits are: all at once, since a loop would be mispredicted each time.
    static u64 number_of(u64 digits, int count) {
        digits <<= (8 - count) * 8;
        digits = digits * 10 + (digits >> 8);
        return (((digits & 0x000000ff000000ffULL) * 0x000f424000000064ULL) +
                (((digits >> 16) & 0x000000ff000000ffULL) * 0x0000271000000001ULL)) >> 32;
    }

    /// A fixed-point number; all else is left where it is.
    bool fixed(Node &node, int depth) {
        static const int64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
        const u8 *const start = buf + *ix;
        const bool negative = *start == '-';
        const u8 *p = start + negative;
        u64 word = load64(p);
        const int integers = digits_of(word);
        const int scale = node.what.scale;
        if (__builtin_expect(integers > 0 && integers < 8 && (*p != '0' || integers == 1), 1)) {
            int64_t v = int64_t(number_of(word, integers)) * tens[scale];
            p += integers;
            bool simple = true;
            if (*p == '.') {
                word = load64(p + 1);
                const int decimals = digits_of(word);
                simple = decimals > 0 && decimals <= scale;
                if (simple) v += int64_t(number_of(word, decimals)) * tens[scale - decimals];
                p += decimals + 1;
            }
            if (__builtin_expect(simple && *p != 0 && ends_scalar(*p), 1)) {
                ix++;
                node.put_span(u64(negative ? -v : v), SLUICE_JSON_TAG_INT);
                return true;
            }
        }
        const u8 c = here();
        if (c != '-' && u8(c - '0') >= 10) return span(node, depth);
        Number n;
        if (!number(n)) return false;
        node.put_span(span_of(start, n.end), SLUICE_JSON_TAG_BIG);
        return true;
    }

    bool value(Node &node, int depth) {
        if (node.what.kind == SLUICE_JSON_SPAN) return span(node, depth);
        if (node.what.kind == SLUICE_JSON_FIXED) return fixed(node, depth);
        const u8 c = here();
        if (c == 'n' && node.what.kind != SLUICE_JSON_ANY) {
            if (node.what.flags & SLUICE_JSON_NOT_NULL) return fail(SLUICE_JSON_REQUIRED, *ix, node.id);
            if (!null_() || !fill(node.weight)) return false;
            node.put_null();
            return true;
        }
        switch (node.what.kind) {
        case SLUICE_JSON_TEXT:
            if (__builtin_expect(c != '"', 0)) return literal(node, c);
            return text(node);
        case SLUICE_JSON_INT: {
            if (c != '-' && u8(c - '0') >= 10) return mismatch(node);
            return integer(node);
        }
        case SLUICE_JSON_FLOAT: {
            if (c != '-' && u8(c - '0') >= 10) return c == '"' && !strict ? not_finite(node) : mismatch(node);
            Number n;
            if (!number(n)) return false;
            double d;
            if (!to_double(n, d)) return mismatch_before(node);
            if (strict && !(n.whole ? integer_is_double(n) : tells(n, d))) return mismatch_before(node);
            if (node.what.width == 8) {
                node.put(d);
            } else {
                const float narrow = float(d);
                if (__builtin_isinf(narrow)) return mismatch_before(node);
                node.put(narrow);
            }
            return true;
        }
        case SLUICE_JSON_STRUCT:
            if (c != '{') return something_else(node, depth);
            return object(node, depth);
        case SLUICE_JSON_LIST:
            if (c != '[') return something_else(node, depth);
            return array(node, depth);
        case SLUICE_JSON_BOOL:
            if (c == 't') {
                if (!true_()) return false;
            } else if (c == 'f') {
                if (!false_()) return false;
            } else {
                return mismatch(node);
            }
            node.put(u8(c == 't'));
            return true;
        case SLUICE_JSON_UINT: {
            if (c != '-' && u8(c - '0') >= 10) return mismatch(node);
            Number n;
            if (!number(n)) return false;
            __int128 v;
            if ((strict && !is_integer(n)) || !to_decimal(n, 38, 0, v) || v < 0 || v > __int128(node.what.high))
                return mismatch_before(node);
            switch (node.what.width) {
            case 1: node.put(u8(v)); break;
            case 2: node.put(uint16_t(v)); break;
            case 4: node.put(u32(v)); break;
            default: node.put(u64(v));
            }
            return true;
        }
        case SLUICE_JSON_DECIMAL: {
            if (c != '-' && u8(c - '0') >= 10) return mismatch(node);
            Number n;
            if (!number(n)) return false;
            __int128 v;
            if (!to_decimal(n, node.what.precision, node.what.scale, v)) return mismatch_before(node);
            // Inference counts the digits that are written, zeros among them, and this has to agree with it.
            if (strict && n.scale() > node.what.scale) return mismatch_before(node);
            node.put(v);
            return true;
        }
        case SLUICE_JSON_NUMBER_TEXT: {
            if (c != '-' && u8(c - '0') >= 10) return mismatch(node);
            Number n;
            if (!number(n)) return false;
            node.put_bytes(n.start, size_t(n.end - n.start));
            return true;
        }
        case SLUICE_JSON_RAW: return raw(node, depth);
        case SLUICE_JSON_EMPTY_OBJECT: {
            if (c != '{' || buf[ix[1]] != '}') return mismatch(node);
            return raw(node, depth);
        }
        case SLUICE_JSON_MAP: return map(node, c, depth);
        case SLUICE_JSON_ANY: return any(node, c, depth);
        default: return mismatch(node);
        }
    }

    /// The strings that stand for floats for which JSON has no numbers.
    bool not_finite(Node &node) {
        const u8 *start;
        size_t count;
        raw_string(start, count);
        const bool negative = count > 0 && *start == '-';
        double value;
        if (count == 3 && std::memcmp(start, "NaN", 3) == 0) value = __builtin_nan("");
        else if (count == size_t(8 + negative) && std::memcmp(start + negative, "Infinity", 8) == 0)
            value = negative ? -__builtin_inf() : __builtin_inf();
        else return mismatch(node);
        ix++;
        if (node.what.width == 8) node.put(value);
        else node.put(float(value));
        return true;
    }

    bool integer(Node &node) {
        const u8 *p = buf + *ix;
        const bool negative = *p == '-';
        p += negative;
        const u8 *const first = p;
        u64 v = 0;
        while (u8(*p - '0') < 10) v = v * 10 + (*p++ - '0');
        const long digits = p - first;
        int64_t result;
        if (__builtin_expect(digits == 0 || (negative && v == 0) || digits > 18 || (*first == '0' && digits > 1) || !ends_scalar(*p) ||
                                 (*p == 0 && p != buf + length),
                             0)) {
            Number n;
            if (!number(n)) return false;
            __int128 wide;
            if ((strict && !is_integer(n)) || !to_decimal(n, 38, 0, wide) || wide < node.what.low ||
                (wide > 0 && wide > __int128(node.what.high)))
                return mismatch_before(node);
            result = int64_t(wide);
        } else {
            ix++;
            result = negative ? -int64_t(v) : int64_t(v);
            if (result < node.what.low || (result > 0 && u64(result) > node.what.high)) return mismatch_before(node);
        }
        switch (node.what.width) {
        case 8: node.put(result); break;
        case 4: node.put(int32_t(result)); break;
        case 2: node.put(int16_t(result)); break;
        default: node.put(int8_t(result));
        }
        return true;
    }

    bool text(Node &node) {
        const u8 *start;
        size_t count;
        raw_string(start, count);
        node.make_room();
        node.bytes.reserve(count + 32);
        u8 *out = node.bytes.base + node.bytes.count;
        if (count <= 32) {
            // Both sides have room for a fixed-size copy, which is faster than one of just the right length.
            std::memcpy(out, start, 32);
        } else {
            std::memcpy(out, start, count);
        }
        if (__builtin_expect(has_escape(out, count), 0)) {
            const long n = unescape(start, count, out);
            if (n < 0) return false;
            count = size_t(n);
        }
        ix++;
        node.bytes.count += count;
        node.end_offset(node.bytes.count);
        node.valid.base[node.count++] = 1;
        return true;
    }

    /// A text column meets something that is not a string.
    bool literal(Node &node, u8 c) {
        const bool strings_only = strict || (node.what.flags & SLUICE_JSON_STRINGS_ONLY);
        if (strings_only || c == '{' || c == '[') return mismatch(node);
        const u8 *const start = buf + *ix;
        if (!skip(0)) return false;
        node.put_bytes(start, size_t(end_before(ix) - start));
        return true;
    }

    bool raw(Node &node, int depth) {
        const u8 *const start = buf + *ix;
        if (!skip(depth)) return false;
        // The end of the value's last token: white space and what follows are not part of it.
        const u8 *end = end_before(ix);
        node.put_bytes(start, size_t(end - start));
        return true;
    }

    bool array(Node &node, int depth) {
        if (depth >= layout->max_depth) return fail(SLUICE_JSON_DEPTH, *ix);
        Node &item = *node.fields[0];
        ix++;
        if (here() == ']') {
            ix++;
        } else {
            for (;;) {
                if (!value(item, depth + 1)) return false;
                const u8 c = here();
                if (c == ',') {
                    ix++;
                    continue;
                }
                if (c != ']') return unexpected();
                ix++;
                break;
            }
        }
        node.end_list();
        if (node.what.flags & SLUICE_JSON_TAGGED) node.tag(SLUICE_JSON_TAG_ARRAY);
        return true;
    }

    bool map(Node &node, u8 c, int depth) {
        if (c == '[') return array(node, depth);
        if (c != '{') return mismatch(node);
        if (depth >= layout->max_depth) return fail(SLUICE_JSON_DEPTH, *ix);
        Node &entries = *node.fields[0], &key = *entries.fields[0], &mapped = *entries.fields[1];
        if (key.what.kind != SLUICE_JSON_TEXT) return mismatch(node);
        ix++;
        if (here() == '}') {
            ix++;
        } else {
            for (;;) {
                if (here() != '"') return unexpected();
                if (!text(key)) return false;
                if (here() != ':') return unexpected();
                ix++;
                if (!value(mapped, depth + 1)) return false;
                entries.make_room();
                entries.valid.base[entries.count++] = 1;
                const u8 d = here();
                if (d == ',') {
                    ix++;
                    continue;
                }
                if (d != '}') return unexpected();
                ix++;
                break;
            }
        }
        node.end_list();
        return true;
    }

    bool object(Node &node, int depth) {
        if (depth >= layout->max_depth) return fail(SLUICE_JSON_DEPTH, *ix);
        const u32 row = node.count;
        const size_t total = node.fields.size();
        const size_t opening = *ix;
        size_t cursor = 0, in_order = 0, passed = 0;
        ix++;
        if (here() == '}') {
            ix++;
        } else {
            for (;;) {
                if (here() != '"') return unexpected();
                const u32 colon = ix[1];
                if (__builtin_expect(buf[colon] != ':', 0)) {
                    ix++;
                    return unexpected();
                }
                const u8 *key = buf + *ix + 1;
                Node *field = nullptr;
                if (__builtin_expect(cursor < total && node.fields[cursor]->name.is(key, size_t(buf + colon - key)), 1)) {
                    field = node.fields[cursor++];
                } else if (passed < node.passed.size() && node.passed[passed].is(key, size_t(buf + colon - key))) {
                    passed++;
                } else {
                    size_t count;
                    if (!read_key(*this, key, count)) return false;
                    const int32_t found = node.table.find(node.fields, key, count);
                    if (found >= 0) {
                        field = node.fields[size_t(found)];
                        cursor = size_t(found) + 1;
                    } else if (strict || layout->unknown_keys) {
                        return fail(strict ? SLUICE_JSON_MISMATCH : SLUICE_JSON_UNKNOWN_KEY, *ix, node.id);
                    } else if (node.passed.size() < 16 && passed == node.passed.size()) {
                        node.passed.emplace_back(std::string(reinterpret_cast<const char *>(key), count));
                        passed++;
                    }
                }
                if (__builtin_expect(field && field->count > row, 0)) {
                    if (layout->duplicates == 0) return fail(SLUICE_JSON_DUPLICATE, *ix, field->id);
                    if (layout->duplicates == 2) field->truncate(row);
                    else field = nullptr;
                }
                ix += 2;
                if (field) {
                    const int kind = field->what.kind;
                    const bool good = kind == SLUICE_JSON_SPAN    ? span(*field, depth + 1)
                                      : kind == SLUICE_JSON_FIXED ? fixed(*field, depth + 1)
                                                                  : value(*field, depth + 1);
                    if (!good) return false;
                    in_order++;
                } else if (!skip(depth + 1)) {
                    return false;
                }
                const u8 c = here();
                if (c == ',') {
                    ix++;
                    continue;
                }
                if (c != '}') return unexpected();
                ix++;
                break;
            }
        }
        if (in_order != total || layout->duplicates == 2) {
            for (Node *field : node.fields) {
                if (field->count > row) continue;
                if (field->what.flags & SLUICE_JSON_NOT_NULL)
                    return fail(SLUICE_JSON_REQUIRED, opening, field->id);
                if (!fill(field->weight)) return false;
                field->put_null();
                if (field->tagged()) field->tag(SLUICE_JSON_TAG_MISSING);
            }
        }
        node.make_room();
        node.valid.base[node.count++] = 1;
        if (node.what.flags & SLUICE_JSON_TAGGED) node.tag(SLUICE_JSON_TAG_OBJECT);
        return true;
    }

    /// Steps over a record that is malformed, if brackets tell where it ends, and keeps it as a bad one.
    bool pass(Node &root, const u32 *begun, sluice_json_plan &plan) {
        if (status.code == SLUICE_JSON_MEMORY || status.code == SLUICE_JSON_PARTIAL) return false;
        const u32 *at = begun;
        int64_t open = 0;
        if (layout->commas) {
            for (; at < last; at++) {
                const u8 c = buf[*at];
                if (c == '{' || c == '[') open++;
                else if (c == '}' || c == ']') open--;
                else if (c == ',' && open == 0) break;
                if (open < 0) return false;
            }
            if (open != 0 || at == begun) return false;
        } else {
            // A line each: a record that is broken does not reach beyond its own.
            const void *end = std::memchr(buf + *begun, '\n', length - *begun);
            const u32 stop = end ? u32(static_cast<const u8 *>(end) - buf) : length;
            while (at < last && *at < stop) at++;
        }
        root.roll_back(root.count);
        root.put_null();
        root.tag(SLUICE_JSON_TAG_BAD);
        plan.bad.push_back(status);
        status = {0, -1, status.record, 0};
        ix = at;
        return true;
    }

    bool any(Node &node, u8 c, int depth) {
        const u8 *const start = buf + *ix;
        u64 payload = 0;
        u8 tag;
        bool keep = false;
        switch (c) {
        case 'n':
            if (!null_()) return false;
            node.put_null();
            return true;
        case 't':
        case 'f':
            if (!(c == 't' ? true_() : false_())) return false;
            tag = SLUICE_JSON_TAG_BOOL;
            payload = c == 't';
            break;
        case '"': {
            if (!text(node)) return false;
            const u64 zero = 0;
            std::memcpy(node.values.base + size_t(node.count - 1) * 8, &zero, 8);
            node.tag(SLUICE_JSON_TAG_STRING);
            return true;
        }
        case '{':
        case '[':
            if (!skip(depth)) return false;
            tag = tag_of(c);
            keep = true;
            break;
        default: {
            if (c != '-' && u8(c - '0') >= 10) return unexpected();
            Number n;
            if (!number(n)) return false;
            tag = number_tag(n, payload);
            keep = tag == SLUICE_JSON_TAG_BIG || (node.what.flags & SLUICE_JSON_LITERALS);
        }
        }
        node.put(payload);
        if (keep) {
            const size_t size = size_t(end_before(ix) - start);
            node.bytes.reserve(size);
            std::memcpy(node.bytes.base + node.bytes.count, start, size);
            node.bytes.count += size;
        }
        const int32_t end = int32_t(node.bytes.count);
        std::memcpy(node.offsets.base + size_t(node.count) * 4, &end, 4);
        node.tag(tag);
        return true;
    }
};

} // namespace

extern "C" sluice_json_status sluice_json_project(sluice_json_parser *parser, sluice_json_plan *plan,
                                                  const uint8_t *text, size_t length,
                                                  const sluice_json_layout *layout) {
    Projector walk;
    try {
        walk.strict = layout->strict != 0;
        if (!walk.begin(parser, text, length, layout)) return walk.status;
        Node &root = *plan->nodes[0];
        if (plan->wrapped && !root.fields.empty()) {
            Node &field = *root.fields[0];
            walk.records([&] {
                if (!walk.value(field, 0)) return false;
                root.make_room();
                root.valid.base[root.count++] = 1;
                return true;
            });
        } else {
            const bool keeps = layout->keep_bad != 0;
            walk.records([&] {
                const u32 *const begun = walk.ix;
                if (__builtin_expect(!walk.value(root, 0), 0)) {
                    if (!keeps || !walk.pass(root, begun, *plan)) return false;
                }
                if (keeps) plan->records.push_back(walk.span_of(text + *begun, walk.end_before(walk.ix)));
                return true;
            });
        }
    } catch (const std::bad_alloc &) {
        walk.fail(SLUICE_JSON_MEMORY, 0);
    }
    return walk.status;
}

extern "C" int64_t sluice_json_locate(sluice_json_parser *parser, const uint8_t *text, size_t length,
                                      const sluice_json_layout *layout, int64_t record) {
    Walk walk;
    int64_t found = -1;
    try {
        if (!walk.begin(parser, text, length, layout)) return -1;
        walk.records([&] {
            if (walk.status.record != record) return walk.skip(0);
            found = int64_t(*walk.ix);
            return false;
        });
    } catch (const std::bad_alloc &) {
        return -1;
    }
    return found;
}

extern "C" int64_t sluice_json_unescape(const uint8_t *text, size_t length, uint8_t *out) {
    Walk walk;
    walk.buf = text;
    return walk.unescape(text, length, out);
}
