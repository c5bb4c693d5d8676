/// Where a text is kept that may be replaced by another.
struct TextSlot: BitwiseCopyable {
    var start = 0
    /// -1 for no text, which is smaller than any.
    var count: Int32 = -1
    var room: Int32 = 0
}

/// Texts that are replaced now and then, in memory that does not grow by that.
final class TextSlots: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds the tally that this is part of.

    private let bytes = Rows<UInt8>(room: 1024)

    func text(_ slot: TextSlot) -> String? { self.bytes(slot)?.text }

    func bytes(_ slot: TextSlot) -> Bytes? {
        slot.count < 0 ? nil : Bytes(UnsafePointer(bytes.base) + slot.start, Int(slot.count))
    }

    /// Less than zero, zero or more.
    func compare(_ text: Bytes?, _ slot: TextSlot) -> Int {
        guard let text else { return slot.count < 0 ? 0 : -1 }
        guard let kept = self.bytes(slot) else { return 1 }
        return text.compare(kept)
    }

    func set(_ slot: inout TextSlot, _ text: Bytes?) {
        guard let text else {
            slot.count = -1
            return
        }
        if text.count > Int(slot.room) {
            // Half as much again, so that growing names do not leave many holes.
            let room = text.count + text.count / 2
            slot.start = bytes.count
            slot.room = Int32(clamping: room)
            bytes.reserve(room)
            bytes.resize(bytes.count + room)
        }
        (bytes.base + slot.start).update(from: text.start, count: text.count)
        slot.count = Int32(clamping: text.count)
    }
}
