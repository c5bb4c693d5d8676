// Finding a key among the fields of a structure: first the field that comes next, then a hash table.
#pragma once
#include "Walk.hpp"

#include <vector>

namespace sluice {

/// A name, prepared for a comparison with a key as it stands in the text.
struct FieldName {
    std::string text;
    u64 word = 0; ///< the first bytes, the closing quote among them when it fits
    u64 mask = 0;
    u64 second = 0; ///< the eight bytes behind them
    u64 second_mask = 0;
    bool plain = true; ///< holds neither quotes nor backslashes, so that its text is the key's

    explicit FieldName(std::string name) : text(std::move(name)) {
        plain = text.find_first_of("\"\\") == std::string::npos;
        u8 bytes[16] = {0};
        const size_t n = text.size() < 16 ? text.size() : 16;
        std::memcpy(bytes, text.data(), n);
        if (n < 16) bytes[n] = '"';
        const size_t used = n < 16 ? n + 1 : 16;
        mask = used >= 8 ? ~u64(0) : (u64(1) << (8 * used)) - 1;
        second_mask = used == 16 ? ~u64(0) : used > 8 ? (u64(1) << (8 * (used - 8))) - 1 : 0;
        std::memcpy(&word, bytes, 8);
        std::memcpy(&second, bytes + 8, 8);
    }

    /// Whether the key at `p` (behind its opening quote; `room` bytes up to its colon) is this name.
    bool is(const u8 *p, size_t room) const {
        if ((load64(p) & mask) != word || (load64(p + 8) & second_mask) != second) return false;
        const size_t n = text.size();
        if (n < 16) return plain;
        return plain && room > n && p[n] == '"' && std::memcmp(p + 16, text.data() + 16, n - 16) == 0;
    }
};

/// An open hash table from names to places in a list.
template <typename Node> struct FieldTable {
    std::vector<int32_t> slots;

    static size_t wanted(size_t count) {
        size_t n = 16;
        while (n < count * 2) n *= 2;
        return n;
    }
    void build(const std::vector<Node *> &fields) {
        slots.assign(wanted(fields.size()), -1);
        for (size_t i = 0; i < fields.size(); i++) place(fields, int32_t(i));
    }
    void added(const std::vector<Node *> &fields) {
        if (slots.size() < wanted(fields.size())) build(fields);
        else place(fields, int32_t(fields.size()) - 1);
    }
    void place(const std::vector<Node *> &fields, int32_t index) {
        const std::string &name = fields[size_t(index)]->name.text;
        size_t at = hash_bytes(reinterpret_cast<const u8 *>(name.data()), name.size());
        for (;; at++) {
            int32_t &slot = slots[at & (slots.size() - 1)];
            if (slot >= 0) continue;
            slot = index;
            return;
        }
    }
    int32_t find(const std::vector<Node *> &fields, const u8 *key, size_t count) const {
        if (slots.empty()) return -1;
        for (size_t at = hash_bytes(key, count);; at++) {
            const int32_t slot = slots[at & (slots.size() - 1)];
            if (slot < 0) return -1;
            const std::string &name = fields[size_t(slot)]->name.text;
            if (name.size() == count && std::memcmp(name.data(), key, count) == 0) return slot;
        }
    }
};

/// The key at the walk's place, unescaped into its scratch when need be; false with an error.
inline bool read_key(Walk &walk, const u8 *&key, size_t &count) {
    walk.raw_string(key, count);
    if (walk.has_escape(key, count)) {
        walk.scratch.resize(count);
        const long n = walk.unescape(key, count, reinterpret_cast<u8 *>(&walk.scratch[0]));
        if (n < 0) return false;
        key = reinterpret_cast<const u8 *>(walk.scratch.data());
        count = size_t(n);
    }
    return true;
}

} // namespace sluice
