import Azure
import Glibc
import Support

/// The file that remembers every change, in order.
///
/// A frame is its length, the CRC-64 of its bytes, and the changes of one operation; `write` hands it to the system in
/// one call before anybody hears of the change. A process that is killed therefore loses nothing that was answered, and
/// a frame that it had not finished fails its checksum and is cut off. The disk is told to write when the emulator
/// stops and when the journal is written anew, and not for each change: a power cut may cost the last seconds.
final class Journal: @unchecked Sendable {
    // `@unchecked Sendable` because it is used under the engine's lock only.

    let path: String
    private var descriptor: Int32
    private(set) var size: Int

    private static let mark = Array("sluice storage journal 1\n".utf8)
    private static let largestFrame = 1 << 30

    /// Opens a journal, or begins one, and hands out its changes, those of an operation at a time.
    init(path: String, _ each: ([Change]) -> Void) throws(SluiceError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        size = 0
        if descriptor < 0 { throw failure("cannot be opened") }
        // A program that is being started has, for a moment, what this process had open: the lock of an earlier emulator too.
        var tries = 40
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            tries -= 1
            if tries > 0 {
                usleep(25_000)
                continue
            }
            throw SluiceError(
                .inputOutput, "another emulator works in this folder", place: .init(file: path),
                hint: "Stop it, or give this one a folder of its own with --data.", isTransient: true)
        }
        guard let all = FileSize.of(path) else { throw failure("cannot be examined") }
        if all < Self.mark.count {
            // Killed before it had begun.
            ftruncate(descriptor, 0)
            try write(Self.mark)
            return
        }
        let contents = try map(all)
        guard contents.withUnsafeBytes({ $0.starts(with: Self.mark) }) else {
            throw SluiceError(
                .invalidData, "this is not a journal of the emulator's storage", place: .init(file: path),
                hint: "Name another folder with --data.")
        }
        size = try Self.read(contents, path: path, each)
        if size < all { ftruncate(descriptor, off_t(size)) }
    }

    deinit { close(descriptor) }

    private func map(_ count: Int) throws(SluiceError) -> Buffer {
        guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
            throw failure("cannot be read")
        }
        let address = UInt(bitPattern: memory)
        return Buffer(foreign: memory, count: count) { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }
    }

    /// Reads frame by frame; answers where the last whole one ends.
    private static func read(_ contents: Buffer, path: String, _ each: ([Change]) -> Void) throws(SluiceError) -> Int {
        var place = mark.count
        while contents.count - place >= 12 {
            let (length, checksum) = contents.withUnsafeBytes {
                (
                    Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self))),
                    UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place + 4, as: UInt64.self))
                )
            }
            let end = place + 12 + length
            if length == 0 || length > largestFrame || end > contents.count { break }
            let frame = contents[place + 12..<end]
            if CRC64.of(frame).value != checksum {
                if end == contents.count { break }
                throw SluiceError(
                    .invalidData, "the journal is damaged", place: .init(file: path, offset: place),
                    hint:
                        "Something other than the emulator wrote to it. Restore the folder, or begin with an empty one."
                )
            }
            do {
                var record = RecordReader(frame)
                var changes: [Change] = []
                while !record.isAtEnd { changes.append(try Change(from: &record)) }
                each(changes)
            } catch {
                throw SluiceError(
                    .invalidData, "the journal has a record that this version does not know",
                    place: .init(file: path, offset: place),
                    hint: "A newer version of Sluice wrote it. Use that one, or another folder.")
            }
            place = end
        }
        return place
    }

    /// Adds the changes of an operation; none of them when they cannot be written.
    func append(_ changes: [Change]) throws(SluiceError) {
        let record = RecordWriter()
        record.bytes.append(UInt32(0))
        record.bytes.append(UInt64(0))
        for change in changes { change.write(to: record) }
        var crc = CRC64()
        record.bytes.withUnsafeBytes { crc.update(UnsafeRawBufferPointer(rebasing: $0[12...])) }
        record.bytes.base.storeBytes(of: UInt32(record.bytes.count - 12).littleEndian, as: UInt32.self)
        record.bytes.base.storeBytes(of: crc.value.littleEndian, toByteOffset: 4, as: UInt64.self)
        try record.bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try write(bytes) }
    }

    private func write(_ bytes: [UInt8]) throws(SluiceError) {
        let outcome: Result<Void, SluiceError> = bytes.withUnsafeBytes { bytes in
            do throws(SluiceError) { return .success(try write(bytes)) } catch { return .failure(error) }
        }
        try outcome.get()
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(size + done))
            if count < 0 {
                if errno == EINTR { continue }
                let error = failure("cannot be written")
                ftruncate(descriptor, off_t(size))
                throw error
            }
            done += count
        }
        size += bytes.count
    }

    /// Puts a new journal with `changes` in this one's place, safely on the disk.
    func replace(_ frames: (_ write: ([Change]) throws(SluiceError) -> Void) throws(SluiceError) -> Void)
        throws(SluiceError)
    {
        let temporary = path + ".new"
        unlink(temporary)
        let next = try Journal(path: temporary) { _ in }
        try frames { (changes) throws(SluiceError) in try next.append(changes) }
        if fsync(next.descriptor) != 0 || rename(temporary, path) != 0 { throw failure("cannot be put in place") }
        swap(&descriptor, &next.descriptor)
        size = next.size
    }

    /// Brings everything to the disk.
    func synchronize() { fsync(descriptor) }

    private func failure(_ what: String) -> SluiceError {
        SluiceError(
            .inputOutput, "\(what): \(String(cString: strerror(errno)))", place: .init(file: path),
            hint: "Check the folder's permissions and the room on its disk.")
    }
}
