public import Support
import Synchronization

/// A stream of text and bytes for one reader: standard output, standard error, or a test's memory.
///
/// A reader that went away (`sluice … | head`) is not an error: what is written after that is dropped, and `isClosed`
/// tells commands that they may stop.
public final class TextOutput: Sendable {
    private let sink: @Sendable (UnsafeRawBufferPointer) throws(SluiceError) -> Bool
    private let hidesSecrets: Bool
    private let state = Mutex(State())

    private struct State {
        var isClosed = false
        var failure: SluiceError?
        /// Whether the terminal shows a line that the next one takes the place of.
        var showsPassing = false
    }

    /// An output that hands bytes to `sink`, which says false when nobody reads them any more.
    ///
    /// - parameter hidesSecrets: Whether protected values are masked in text: in messages always, in answers never, since
    ///   data that looks like a password is data.
    public init(
        hidesSecrets: Bool = false, _ sink: @escaping @Sendable (UnsafeRawBufferPointer) throws(SluiceError) -> Bool
    ) {
        self.hidesSecrets = hidesSecrets
        self.sink = sink
    }

    /// Whether nobody reads any more.
    public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The first failure to write, a full disk for instance.
    public var failure: SluiceError? { state.withLock { $0.failure } }

    /// Writes a line.
    public func print(_ line: String) { write(line + "\n") }

    /// Writes text.
    public func write(_ text: String) {
        var text = hidesSecrets ? Redactor.shared.redact(text) : text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        // The lock is held while writing, so that lines of two tasks do not mix.
        state.withLock { state in
            clear(&state)
            put(bytes, &state)
        }
    }

    /// Shows a line on a terminal until something else is written; nil takes it away.
    func show(passing line: String?) {
        state.withLock { state in
            clear(&state)
            guard let line else { return }
            put(hidesSecrets ? Redactor.shared.redact(line) : line, &state)
            state.showsPassing = true
        }
    }

    private func clear(_ state: inout State) {
        // To the beginning of the line, and away with the rest of it.
        if state.showsPassing { put("\r\u{1b}[K", &state) }
        state.showsPassing = false
    }

    private func put(_ text: String, _ state: inout State) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0), &state) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
        if state.isClosed || state.failure != nil { return }
        do throws(SluiceError) {
            if try !sink(bytes) { state.isClosed = true }
        } catch {
            state.failure = error
        }
    }

    /// An output into memory, and a way to read it.
    public static func memory() -> (output: TextOutput, text: @Sendable () -> String) {
        let memory = Memory()
        let output = TextOutput { bytes in
            memory.bytes.withLock { $0 += Array(bytes) }
            return true
        }
        return (output, { memory.bytes.withLock { String(decoding: $0, as: UTF8.self) } })
    }

    private final class Memory: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }
}
