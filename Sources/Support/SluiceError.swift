/// The one error of the product: what failed, where, why, and what to do next.
///
/// `description` is the text a user reads. It never holds a secret: messages are built from names, positions and
/// offending values of data, not from settings.
///
///     throw SluiceError(.invalidData, "page header declares 9 GB, the limit is 1 GB",
///         place: .init(file: "orders.parquet", column: "id", offset: 1234))
public struct SluiceError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure this is; decides the exit code and whether a retry can help.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, stable for machines.
        public var description: String { name }

        /// Bytes or values that are not what their format says they are.
        public static let invalidData = Code("invalid-data")
        /// A setting, schema or option that cannot be acted on.
        public static let invalidConfiguration = Code("invalid-configuration")
        /// A command line that does not parse.
        public static let usage = Code("usage")
        /// Valid, but not something Sluice does.
        public static let unsupported = Code("unsupported")
        /// A stated and settable limit was reached.
        public static let limitExceeded = Code("limit-exceeded")
        /// A file or folder that is not there.
        public static let notFound = Code("not-found")
        /// The operating system or a service refused for want of permission.
        public static let permission = Code("permission")
        /// Reading or writing failed.
        public static let inputOutput = Code("input-output")
        /// A value does not fit the type it has to become.
        public static let conversion = Code("conversion")
        /// Somebody else made or changed what was to be written.
        public static let conflict = Code("conflict")
        /// It took longer than was allowed.
        public static let timedOut = Code("timed-out")
        /// The user interrupted.
        public static let cancelled = Code("cancelled")
    }

    /// Where in the data the failure lies; every part that is known.
    public struct Place: Sendable, Hashable {
        /// The file or other source, as the user named it.
        public var file: String?
        /// The column's dotted path.
        public var column: String?
        /// The byte position in the file.
        public var offset: Int?
        /// The line in a text file, from 1.
        public var line: Int?
        /// The row, from 1.
        public var row: Int?

        /// A place of which any part may be unknown.
        public init(
            file: String? = nil, column: String? = nil, offset: Int? = nil, line: Int? = nil, row: Int? = nil
        ) {
            self.file = file
            self.column = column
            self.offset = offset
            self.line = line
            self.row = row
        }

        /// This place with the parts that it lacks taken from `other`.
        public func filled(from other: Place) -> Place {
            Place(
                file: file ?? other.file, column: column ?? other.column, offset: offset ?? other.offset,
                line: line ?? other.line, row: row ?? other.row)
        }
    }

    /// What kind of failure this is.
    public var code: Code
    /// What failed, with the offending value and what was expected; one sentence without a full stop.
    public var message: String
    /// Where in the data.
    public var place: Place
    /// What there is to say at length, a line each: what was tried, and why it failed.
    public var details: [String]
    /// What to do next.
    public var hint: String?
    /// Whether the same call may succeed later.
    public var isTransient: Bool

    /// An error with all that is known of it. Protected values in its words are masked here, so that no way out of the
    /// program has to be trusted to do it.
    public init(
        _ code: Code, _ message: String, place: Place = Place(), details: [String] = [], hint: String? = nil,
        isTransient: Bool = false
    ) {
        self.code = code
        self.message = Redactor.shared.redact(message)
        self.place = place
        self.details = details.map(Redactor.shared.redact)
        self.hint = hint.map(Redactor.shared.redact)
        self.isTransient = isTransient
    }

    /// The same error, with what its place lacks taken from `place`: each floor adds what it knows on the way up.
    public func at(_ place: Place) -> SluiceError {
        var error = self
        error.place = error.place.filled(from: place)
        return error
    }

    /// `file: column "a.b", byte 12: message: one detail; another`
    public var description: String {
        details.isEmpty ? headline : "\(headline): \(details.joined(separator: "; "))"
    }

    /// The error without its details.
    public var headline: String {
        var parts: [String] = []
        if let column = place.column { parts.append("column \"\(column)\"") }
        if let line = place.line { parts.append("line \(line)") }
        if let row = place.row { parts.append("row \(row)") }
        if let offset = place.offset { parts.append("byte \(offset)") }
        var text = ""
        if let file = place.file { text += file + ": " }
        if !parts.isEmpty { text += parts.joined(separator: ", ") + ": " }
        return text + message
    }
}
