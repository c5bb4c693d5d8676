#include "Plan.hpp"

using namespace sluice;

extern "C" sluice_json_plan *sluice_json_plan_create(int wrapped, int tagged) {
    try {
        auto plan = std::make_unique<sluice_json_plan>();
        plan->wrapped = wrapped != 0;
        plan->nodes.push_back(std::make_unique<Node>(std::string()));
        plan->nodes[0]->what.kind = SLUICE_JSON_STRUCT;
        if (tagged) plan->nodes[0]->what.flags = SLUICE_JSON_TAGGED;
        return plan.release();
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void sluice_json_plan_free(sluice_json_plan *plan) { delete plan; }

extern "C" int32_t sluice_json_plan_add(sluice_json_plan *plan, int32_t parent, const sluice_json_node *node,
                                        const char *name, size_t name_length) {
    try {
        if (parent < 0 || size_t(parent) >= plan->nodes.size()) return -1;
        auto made = std::make_unique<Node>(std::string(name, name_length));
        made->what = *node;
        made->id = int32_t(plan->nodes.size());
        Node &above = *plan->nodes[size_t(parent)];
        if (parent == 0 && (node->flags & SLUICE_JSON_NOT_NULL)) above.what.flags |= SLUICE_JSON_NOT_NULL;
        made->above = &above;
        for (Node *node = &above; node && node->what.kind == SLUICE_JSON_STRUCT; node = node->above) node->weight++;
        above.fields.push_back(made.get());
        above.table.added(above.fields);
        plan->nodes.push_back(std::move(made));
        return int32_t(plan->nodes.size()) - 1;
    } catch (const std::bad_alloc &) {
        return -1;
    }
}

namespace {
/// Bytes that are 0 or 1 become bits, in place.
void pack(u8 *bytes, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        // The multiplication moves the lowest bit of every byte into the highest byte, in order.
        bytes[i / 8] = u8((load64(bytes + i) * 0x0102040810204080ULL) >> 56);
    }
    if (i < count) {
        u8 last = 0;
        for (size_t j = i; j < count; j++) last |= u8((bytes[j] & 1) << (j - i));
        bytes[i / 8] = last;
    }
}
} // namespace

extern "C" sluice_json_column sluice_json_take(sluice_json_plan *plan, int32_t id) {
    sluice_json_column out{};
    if (id < 0 || size_t(id) >= plan->nodes.size()) return out;
    Node &node = *plan->nodes[size_t(id)];
    const size_t count = node.count;
    out.count = int64_t(count);
    out.null_count = node.nulls;
    node.usual = node.count;
    node.usual_bytes = node.bytes.count;
    if (node.nulls > 0) {
        pack(node.valid.base, count);
        node.valid.count = (count + 7) / 8;
        out.validity = node.valid.give();
    }
    if (count > 0) {
        if (node.has_offsets()) {
            node.offsets.count = (count + 1) * 4;
            out.offsets = reinterpret_cast<int32_t *>(node.offsets.give());
            out.bytes_length = node.bytes.count;
            out.bytes = node.bytes.give();
        }
        if (const u32 w = node.width()) {
            size_t length = count * w;
            if (node.what.kind == SLUICE_JSON_BOOL) {
                pack(node.values.base, count);
                length = (count + 7) / 8;
            }
            node.values.count = length;
            out.values_length = length;
            out.values = node.values.give();
        }
        if (node.tagged()) {
            node.tags.count = count;
            out.tags = node.tags.give();
        }
    }
    node.clear();
    // Whatever was given away is allocated anew with the next row.
    node.room = 0;
    return out;
}

extern "C" sluice_json_column sluice_json_peek(const sluice_json_plan *plan, int32_t id) {
    sluice_json_column out{};
    if (id < 0 || size_t(id) >= plan->nodes.size()) return out;
    const Node &node = *plan->nodes[size_t(id)];
    out.count = int64_t(node.count);
    if (node.count == 0) return out;
    out.values = node.values.base;
    out.values_length = size_t(node.count) * node.width();
    if (node.has_offsets()) out.offsets = reinterpret_cast<int32_t *>(node.offsets.base);
    if (node.tagged()) out.tags = node.tags.base;
    out.bytes = node.bytes.base;
    out.bytes_length = node.bytes.count;
    return out;
}

extern "C" const uint64_t *sluice_json_records(const sluice_json_plan *plan) { return plan->records.data(); }

extern "C" const sluice_json_status *sluice_json_bad(const sluice_json_plan *plan, size_t *count) {
    *count = plan->bad.size();
    return plan->bad.data();
}

extern "C" void sluice_json_plan_clear(sluice_json_plan *plan) {
    for (auto &node : plan->nodes) node->clear();
    plan->records.clear();
    plan->bad.clear();
}
