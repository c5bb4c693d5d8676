// Tells what the values of records are: a tree with a node for every place, which only ever learns.
#include "Fields.hpp"

#include <memory>
#include <new>

using namespace sluice;

namespace {

struct Seen {
    FieldName name;
    u32 saw = 0;
    int integer_digits = 0;
    int scale = 0;
    std::vector<Seen *> fields;
    FieldTable<Seen> table;
    Seen *item = nullptr;
    u64 stamp = 0; ///< the object in which this key was last met

    explicit Seen(std::string text) : name(std::move(text)) {}
    ~Seen() { drop(); }
    Seen(const Seen &) = delete;

    void drop() {
        for (Seen *field : fields) delete field;
        fields.clear();
        table.slots.clear();
        delete item;
        item = nullptr;
    }
    Seen *add(std::string text) {
        Seen *field = new Seen(std::move(text));
        fields.push_back(field);
        table.added(fields);
        return field;
    }
    void go_wild() {
        saw |= SLUICE_JSON_SAW_WILD;
        drop();
    }
};

/// Whether objects and arrays at the node are no more than text.
bool is_opaque(const Seen &node) {
    const u32 kinds = SLUICE_JSON_SAW_BOOL | SLUICE_JSON_SAW_INT | SLUICE_JSON_SAW_UINT | SLUICE_JSON_SAW_BIG_INT |
                      SLUICE_JSON_SAW_FLOAT | SLUICE_JSON_SAW_STRING;
    if (node.saw & (SLUICE_JSON_SAW_WILD | kinds)) return true;
    return (node.saw & SLUICE_JSON_SAW_OBJECT) && (node.saw & SLUICE_JSON_SAW_ARRAY);
}

struct Inferrer : Walk {
    const sluice_json_inference *how = nullptr;
    u64 objects = 0;

    bool raw(Seen &node, int depth, bool record) {
        if (!record && (how->keep_nested_raw || depth > how->max_type_depth) && !(node.saw & SLUICE_JSON_SAW_WILD))
            node.go_wild();
        return is_opaque(node);
    }

    bool value(Seen &node, int depth, bool record) {
        const u8 c = here();
        switch (c) {
        case '"': return string(node);
        case '{':
            node.saw |= SLUICE_JSON_SAW_OBJECT;
            if (raw(node, depth, record)) {
                if (!node.fields.empty() || node.item) node.drop();
                return skip(depth);
            }
            return object(node, depth, record);
        case '[':
            node.saw |= SLUICE_JSON_SAW_ARRAY;
            if (raw(node, depth, false)) {
                if (!node.fields.empty() || node.item) node.drop();
                return skip(depth);
            }
            return array(node, depth);
        case 'n': node.saw |= SLUICE_JSON_SAW_NULL; return null_();
        case 't': node.saw |= SLUICE_JSON_SAW_BOOL; return true_();
        case 'f': node.saw |= SLUICE_JSON_SAW_BOOL; return false_();
        default:
            if (c != '-' && u8(c - '0') >= 10) return unexpected();
            return number(node);
        }
    }

    bool number(Seen &node) {
        Number n;
        if (!Walk::number(n)) return false;
        u32 saw = 0;
        if (n.negative) saw |= SLUICE_JSON_SAW_NEGATIVE;
        if (is_integer(n)) {
            if (n.digits <= 18) saw |= SLUICE_JSON_SAW_INT;
            else if (n.digits > 20) saw |= SLUICE_JSON_SAW_BIG_INT;
            else {
                __int128 v = 0;
                to_decimal(n, 38, 0, v);
                if (v == __int128(int64_t(v))) saw |= SLUICE_JSON_SAW_INT;
                else if (v > 0 && v == __int128(u64(v))) saw |= SLUICE_JSON_SAW_UINT;
                else saw |= SLUICE_JSON_SAW_BIG_INT;
            }
            if (!integer_is_double(n)) saw |= SLUICE_JSON_SAW_INEXACT_INT;
        } else {
            saw |= SLUICE_JSON_SAW_FLOAT;
            // Once one float of a column is known not to fit, the others need not be looked at.
            if (!(node.saw & SLUICE_JSON_SAW_INEXACT_FLOAT)) {
                double d;
                if (!(n.digits <= 15 && n.exponent > -290 && n.exponent < 290) && !(to_double(n, d) && tells(n, d)))
                    saw |= SLUICE_JSON_SAW_INEXACT_FLOAT;
            }
        }
        node.saw |= saw;
        const int digits = n.integer_digits(), scale = n.scale();
        if (digits > node.integer_digits) node.integer_digits = digits;
        if (scale > node.scale) node.scale = scale;
        return true;
    }

    bool string(Seen &node) {
        const u8 *start;
        size_t count;
        raw_string(start, count);
        node.saw |= SLUICE_JSON_SAW_STRING;
        if (has_escape(start, count)) {
            // What the escapes stand for is checked, so that the projection cannot fail where inference did not.
            scratch.resize(count);
            const long n = unescape(start, count, reinterpret_cast<u8 *>(&scratch[0]));
            if (n < 0) return false;
            start = reinterpret_cast<const u8 *>(scratch.data());
            count = size_t(n);
        }
        if (how->classify && !((node.saw >> 16) & how->settled)) node.saw |= how->classify(start, count) << 16;
        ix++;
        return true;
    }

    bool array(Seen &node, int depth) {
        if (depth >= layout->max_depth) return fail(SLUICE_JSON_DEPTH, *ix);
        if (!node.item) node.item = new Seen(std::string());
        ix++;
        if (here() == ']') {
            ix++;
            return true;
        }
        for (;;) {
            if (!value(*node.item, depth + 1, false)) return false;
            const u8 c = here();
            if (c == ',') {
                ix++;
                continue;
            }
            if (c != ']') return unexpected();
            ix++;
            return true;
        }
    }

    bool object(Seen &node, int depth, bool record) {
        if (depth >= layout->max_depth) return fail(SLUICE_JSON_DEPTH, *ix);
        const size_t opening = *ix;
        ix++;
        if (here() == '}') {
            ix++;
            return true;
        }
        node.saw |= SLUICE_JSON_SAW_FIELDS;
        const u64 stamp = ++objects;
        size_t cursor = 0;
        for (;;) {
            if (here() != '"') return unexpected();
            const u32 colon = ix[1];
            if (buf[colon] != ':') {
                ix++;
                return unexpected();
            }
            const u8 *key = buf + *ix + 1;
            Seen *field = nullptr;
            if (cursor < node.fields.size() && node.fields[cursor]->name.is(key, size_t(buf + colon - key))) {
                field = node.fields[cursor++];
            } else {
                size_t count;
                if (!read_key(*this, key, count)) return false;
                const int32_t found = node.table.find(node.fields, key, count);
                if (found >= 0) {
                    field = node.fields[size_t(found)];
                    cursor = size_t(found) + 1;
                } else {
                    const size_t most = size_t(record ? how->max_record_fields : how->max_fields);
                    if (node.fields.size() >= most) {
                        if (record) return fail(SLUICE_JSON_TOO_MANY_FIELDS, *ix);
                        node.go_wild();
                        while (*ix != opening) ix--;
                        return skip(depth);
                    }
                    field = node.add(std::string(reinterpret_cast<const char *>(key), count));
                    cursor = node.fields.size();
                }
            }
            if (field->stamp == stamp && layout->duplicates == 0) return fail(SLUICE_JSON_DUPLICATE, *ix);
            field->stamp = stamp;
            ix += 2;
            if (!value(*field, depth + 1, false)) return false;
            const u8 c = here();
            if (c == ',') {
                ix++;
                continue;
            }
            if (c != '}') return unexpected();
            ix++;
            return true;
        }
    }
};

int merge(Seen &into, const Seen &from, const sluice_json_inference &how, bool record) {
    const bool wild = (from.saw & SLUICE_JSON_SAW_WILD) && !(into.saw & SLUICE_JSON_SAW_WILD);
    into.saw |= from.saw;
    if (from.integer_digits > into.integer_digits) into.integer_digits = from.integer_digits;
    if (from.scale > into.scale) into.scale = from.scale;
    // Records that are not all objects have no columns of their own any more.
    if (wild || is_opaque(into)) {
        into.drop();
        return 0;
    }
    if (from.item) {
        if (!into.item) into.item = new Seen(std::string());
        if (int code = merge(*into.item, *from.item, how, false)) return code;
    }
    for (const Seen *field : from.fields) {
        const std::string &name = field->name.text;
        const int32_t found = into.table.find(into.fields, reinterpret_cast<const u8 *>(name.data()), name.size());
        if (found < 0 && into.fields.size() >= size_t(record ? how.max_record_fields : how.max_fields)) {
            if (record) return SLUICE_JSON_TOO_MANY_FIELDS;
            into.go_wild();
            return 0;
        }
        Seen *mine = found >= 0 ? into.fields[size_t(found)] : into.add(name);
        if (int code = merge(*mine, *field, how, false)) return code;
    }
    return 0;
}

} // namespace

struct sluice_json_tree {
    Seen root{std::string()};
    u64 objects = 0;
};

extern "C" sluice_json_tree *sluice_json_tree_create(void) { return new (std::nothrow) sluice_json_tree; }

extern "C" void sluice_json_tree_free(sluice_json_tree *tree) { delete tree; }

extern "C" sluice_json_status sluice_json_infer(sluice_json_parser *parser, sluice_json_tree *tree, const uint8_t *text,
                                                size_t length, const sluice_json_layout *layout,
                                                const sluice_json_inference *inference) {
    Inferrer walk;
    try {
        walk.how = inference;
        walk.objects = tree->objects;
        if (walk.begin(parser, text, length, layout)) walk.records([&] { return walk.value(tree->root, 0, true); });
        tree->objects = walk.objects;
    } catch (const std::bad_alloc &) {
        walk.fail(SLUICE_JSON_MEMORY, 0);
    }
    return walk.status;
}

extern "C" int32_t sluice_json_tree_merge(sluice_json_tree *tree, const sluice_json_tree *later,
                                          const sluice_json_inference *inference) {
    try {
        return merge(tree->root, later->root, *inference, true);
    } catch (const std::bad_alloc &) {
        return SLUICE_JSON_MEMORY;
    }
}

extern "C" const void *sluice_json_tree_root(const sluice_json_tree *tree) { return &tree->root; }

extern "C" sluice_json_seen sluice_json_tree_seen(const void *node) {
    const Seen &seen = *static_cast<const Seen *>(node);
    return {seen.saw,
            seen.integer_digits,
            seen.scale,
            int32_t(seen.fields.size()),
            seen.name.text.data(),
            seen.name.text.size(),
            seen.item};
}

extern "C" const void *sluice_json_tree_field(const void *node, int32_t index) {
    return static_cast<const Seen *>(node)->fields[size_t(index)];
}
