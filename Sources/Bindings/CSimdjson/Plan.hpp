// A plan: a tree of what is wanted of each record, and the buffers in which it is collected.
#pragma once
#include "Fields.hpp"

#include <memory>
#include <new>

namespace sluice {

/// Bytes that grow by doubling, handed over to whoever frees them.
struct Bytes {
    u8 *base = nullptr;
    size_t count = 0, capacity = 0;

    Bytes() = default;
    Bytes(const Bytes &) = delete;
    ~Bytes() { std::free(base); }

    void grow(size_t needed) {
        size_t size = capacity * 2 > needed ? capacity * 2 : needed;
        if (size < 256) size = 256;
        void *memory = std::realloc(base, size);
        if (!memory) throw std::bad_alloc();
        base = static_cast<u8 *>(memory);
        capacity = size;
    }
    /// Makes room for `needed` bytes in all, and no more.
    void ensure(size_t needed) {
        if (capacity >= needed) return;
        void *memory = std::realloc(base, needed);
        if (!memory) throw std::bad_alloc();
        base = static_cast<u8 *>(memory);
        capacity = needed;
    }
    void reserve(size_t extra) {
        if (__builtin_expect(count + extra > capacity, 0)) grow(count + extra);
    }
    u8 *give() {
        u8 *memory = base;
        if (memory && capacity - count > 65536 && capacity - count > count / 4) {
            if (void *smaller = std::realloc(memory, count ? count : 1)) memory = static_cast<u8 *>(smaller);
        }
        base = nullptr;
        count = capacity = 0;
        return memory;
    }
};

struct Node {
    FieldName name;
    sluice_json_node what{};
    int32_t id = 0;
    std::vector<Node *> fields;
    FieldTable<Node> table;
    std::vector<FieldName> passed; ///< keys that are no fields, in the order in which objects had them
    Node *above = nullptr;
    u32 weight = 1; ///< how many columns get a value when this one is null

    u32 count = 0, room = 0, nulls = 0;
    u32 usual = 0; ///< how many rows the chunks before had
    size_t usual_bytes = 0;
    Bytes valid;   ///< a byte a row, packed when handed over
    Bytes values;  ///< fixed-width values (a bool: a byte a row)
    Bytes offsets;
    Bytes bytes;
    Bytes tags;

    explicit Node(std::string text) : name(std::move(text)) {}

    u32 width() const {
        switch (what.kind) {
        case SLUICE_JSON_BOOL: return 1;
        case SLUICE_JSON_INT:
        case SLUICE_JSON_UINT:
        case SLUICE_JSON_FLOAT: return u32(what.width);
        case SLUICE_JSON_DECIMAL: return 16;
        case SLUICE_JSON_ANY:
        case SLUICE_JSON_SPAN:
        case SLUICE_JSON_FIXED: return 8;
        default: return 0;
        }
    }
    bool has_offsets() const {
        switch (what.kind) {
        case SLUICE_JSON_TEXT:
        case SLUICE_JSON_NUMBER_TEXT:
        case SLUICE_JSON_RAW:
        case SLUICE_JSON_EMPTY_OBJECT:
        case SLUICE_JSON_LIST:
        case SLUICE_JSON_MAP:
        case SLUICE_JSON_ANY: return true;
        default: return false;
        }
    }
    bool is_span() const { return what.kind >= SLUICE_JSON_SPAN; }
    bool tagged() const { return (what.flags & SLUICE_JSON_TAGGED) || what.kind >= SLUICE_JSON_ANY; }

    /// Makes room for another row.
    void make_room() {
        if (__builtin_expect(count == room, 0)) more();
    }
    void more() {
        u32 size = room ? room * 2 : (usual ? usual + usual / 8 + 16 : 256);
        valid.ensure(size);
        if (const u32 w = width()) values.ensure(size_t(size) * w);
        if (has_offsets()) offsets.ensure((size_t(size) + 1) * 4);
        if (tagged()) tags.ensure(size);
        if (room == 0 && has_offsets()) {
            const int32_t zero = 0;
            std::memcpy(offsets.base, &zero, 4);
            if (usual_bytes && bytes.capacity == 0) bytes.grow(usual_bytes + usual_bytes / 8 + 64);
        }
        room = size;
    }
    template <typename T> void put(T value) {
        make_room();
        std::memcpy(values.base + size_t(count) * sizeof(T), &value, sizeof(T));
        valid.base[count++] = 1;
    }
    /// A value that stays where it is, or a fixed-point number. Its tag says all, so that `valid` is not kept.
    void put_span(u64 value, u8 kind) {
        make_room();
        std::memcpy(values.base + size_t(count) * 8, &value, 8);
        tags.base[count++] = kind;
    }
    void end_offset(size_t at) {
        const int32_t offset = int32_t(at);
        std::memcpy(offsets.base + (size_t(count) + 1) * 4, &offset, 4);
    }
    int32_t offset(u32 row) const {
        int32_t value;
        std::memcpy(&value, offsets.base + size_t(row) * 4, 4);
        return value;
    }
    void put_bytes(const u8 *start, size_t length) {
        make_room();
        bytes.reserve(length);
        std::memcpy(bytes.base + bytes.count, start, length);
        bytes.count += length;
        end_offset(bytes.count);
        valid.base[count++] = 1;
    }
    void end_list() {
        make_room();
        end_offset(fields[0]->count);
        valid.base[count++] = 1;
    }
    /// A row without a value; `counts` is false inside a structure that is null itself, where nobody misses it.
    void put_null(bool counts = true) {
        make_room();
        if (const u32 w = width()) std::memset(values.base + size_t(count) * w, 0, w);
        if (has_offsets()) end_offset(is_list() ? fields[0]->count : bytes.count);
        if (tagged()) tags.base[count] = counts ? SLUICE_JSON_TAG_NULL : SLUICE_JSON_TAG_MISSING;
        if (what.kind == SLUICE_JSON_STRUCT)
            for (Node *field : fields) field->put_null(false);
        const bool absent = counts || !(what.flags & SLUICE_JSON_NOT_NULL);
        valid.base[count++] = !absent;
        nulls += absent;
    }
    bool is_list() const { return what.kind == SLUICE_JSON_LIST || what.kind == SLUICE_JSON_MAP; }
    void tag(u8 kind) { tags.base[count - 1] = kind; }

    void forget_nulls(u32 rows) {
        if (is_span()) return;
        for (u32 i = rows; i < count; i++) nulls -= !valid.base[i];
    }
    /// Forgets all rows from `rows` on.
    void truncate(u32 rows) {
        if (rows >= count) return;
        forget_nulls(rows);
        count = rows;
        if (is_list()) fields[0]->truncate(u32(offset(rows)));
        else if (has_offsets()) bytes.count = size_t(offset(rows));
        if (what.kind == SLUICE_JSON_STRUCT)
            for (Node *field : fields) field->truncate(rows);
    }
    /// Forgets all rows from `rows` on, those that were begun among them: what lies below has just what its rows have.
    void roll_back(u32 rows) {
        forget_nulls(rows);
        if (count > rows) count = rows;
        const u32 end = room > 0 && has_offsets() ? u32(offset(count)) : 0;
        if (is_list()) fields[0]->roll_back(end);
        else if (has_offsets()) bytes.count = end;
        if (what.kind == SLUICE_JSON_STRUCT)
            for (Node *field : fields) field->roll_back(count);
    }
    void clear() {
        count = nulls = 0;
        bytes.count = 0;
    }
};

} // namespace sluice

struct sluice_json_plan {
    std::vector<std::unique_ptr<sluice::Node>> nodes;
    std::vector<sluice::u64> records;
    std::vector<sluice_json_status> bad;
    bool wrapped = false;
};
