import Support

/// libFuzzer's own mutations.
@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int) -> Int

/// Changes an input. A Parquet file keeps its frame, because a file whose footer cannot be found shows nothing: either
/// the pages change in place, or the footer changes and its length is set right.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
    guard Target.chosen == .parquet, size > 12, seed % 16 != 0 else { return mutate(data, size, capacity) }
    let bytes = UnsafeMutableRawPointer(data)
    let length = Int(bytes.loadUnaligned(fromByteOffset: size - 8, as: UInt32.self))
    guard length > 0, length <= size - 12 else { return mutate(data, size, capacity) }
    let footer = size - 8 - length
    if seed % 2 == 0, footer > 4 {
        // Around one place among the pages, without a change of size.
        let start = 4 + Int(seed >> 8) % (footer - 4)
        let count = min(footer - start, 1 + Int(seed >> 4) % 64)
        let changed = mutate(data + start, count, count)
        // A shorter result has moved nothing: what is behind it is what was there.
        _ = changed
        return size
    }
    let changed = mutate(data + footer, length, capacity - footer - 8)
    let end = footer + changed
    bytes.storeBytes(of: UInt32(changed), toByteOffset: end, as: UInt32.self)
    bytes.storeBytes(of: 0x3152_4150, toByteOffset: end + 4, as: UInt32.self)
    return end + 8
}
