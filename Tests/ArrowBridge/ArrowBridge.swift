public import CArrow
import Columns

/// Takes a batch in through the Arrow C Data Interface and hands rows `start ..< start + count` of it out again; all of
/// it when `count` is negative. The tests call this from Python, to hold both directions against pyarrow and polars.
///
/// - returns: 0, or 1 when the batch was refused, with the reason in `message`, which has room for `room` bytes.
@_cdecl("sluice_arrow_pass")
public func passThrough(
    _ array: UnsafeMutablePointer<ArrowArray>, _ schema: UnsafeMutablePointer<ArrowSchema>,
    _ outArray: UnsafeMutablePointer<ArrowArray>, _ outSchema: UnsafeMutablePointer<ArrowSchema>, _ start: Int32,
    _ count: Int32, _ message: UnsafeMutablePointer<CChar>, _ room: Int32
) -> Int32 {
    do {
        var batch = try ArrowInterface.importBatch(array, schema)
        if count >= 0 { batch = batch.slice(Int(start)..<Int(start + count)) }
        ArrowInterface.export(batch.schema, to: outSchema)
        ArrowInterface.export(batch, to: outArray)
        return 0
    } catch {
        let text = "\(error)".utf8CString.prefix(Int(room) - 1)
        for (index, byte) in text.enumerated() { message[index] = byte }
        message[text.count] = 0
        return 1
    }
}
