/// A problem in something that a user wrote: where, what, what was expected, what to do. Collected, not thrown, so that
/// all problems of a file are shown at once.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    /// Whether this stops the work.
    public enum Severity: String, Sendable, Hashable {
        /// Nothing runs until this is mended.
        case error
        /// Worth a look.
        case warning
    }

    /// A place in a text file.
    public struct Mark: Sendable, Hashable, CustomStringConvertible {
        /// The file, as the user named it.
        public let file: String
        /// The line, from 1.
        public let line: Int
        /// The column, from 1.
        public let column: Int

        /// The place at `line` and `column` of `file`, both from 1.
        public init(file: String, line: Int, column: Int) {
            self.file = file
            self.line = line
            self.column = column
        }

        /// `file:line:column`, which editors and terminals turn into a link.
        public var description: String { "\(file):\(line):\(column)" }
    }

    /// Whether this stops the work.
    public let severity: Severity
    /// What is wrong, with the offending value, as one sentence without a full stop.
    public let message: String
    /// Where it is.
    public let mark: Mark
    /// The dotted path inside the document: `jobs.orders.mode`.
    public let path: String
    /// What to do.
    public let hint: String?

    /// A problem at `mark`.
    public init(_ severity: Severity, _ message: String, at mark: Mark, path: String = "", hint: String? = nil) {
        self.severity = severity
        self.message = message
        self.mark = mark
        self.path = path
        self.hint = hint
    }

    /// `file:line:column: error: message`
    public var description: String { "\(mark): \(severity.rawValue): \(message)" }
}
