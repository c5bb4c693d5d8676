/// What may be written at a place in a document.
public indirect enum Shape: Sendable {
    /// Any text, numbers among it.
    case text
    /// The name of something that the document declares elsewhere; a URL or path names itself (`isName`).
    case reference(to: String)
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// An exact decimal such as `10000` or `0.01`, with at most 12 digits before the point and 18 behind it.
    case decimal(ClosedRange<Int>)
    /// `true` or `false`.
    case boolean
    /// A stretch of time: `30s`, `5m`, `1h30m`, `2d`, or seconds as a number.
    case duration
    /// A number of bytes: `64MB`, `1GiB`, or bytes as a number.
    case size
    /// One of some words.
    case choice([String])
    /// A list; a single item may be written without brackets.
    case list(Shape)
    /// Names of the user's choosing, each with a value.
    case map(Shape, of: String)
    /// Names of our choosing.
    case object(ObjectShape)
    /// Either text, or an object that says the same at length.
    case textOr(ObjectShape)
    /// Anything at all.
    case anything
}

/// A mapping whose names are known.
public struct ObjectShape: Sendable {
    /// What it is called in a message: `job`, `connection`.
    public let title: String
    /// What may be written in it, whatever variant it is.
    public let keys: [KeyShape]
    /// What may be written depending on the value of one key.
    public let variants: Variants?

    /// An object called `title`.
    public init(_ title: String, keys: [KeyShape], variants: Variants? = nil) {
        self.title = title
        self.keys = keys
        self.variants = variants
    }

    /// One key decides which others there are: a job's `kind`, a connection's `protocol`.
    public struct Variants: Sendable {
        /// The key that decides.
        public let key: String
        /// What that key is for.
        public let summary: String
        /// The values it may have, each with the keys that come with it.
        public let cases: [(name: String, keys: [KeyShape])]

        /// Variants told apart by `key`.
        public init(by key: String, summary: String, cases: [(name: String, keys: [KeyShape])]) {
            self.key = key
            self.summary = summary
            self.cases = cases
        }
    }
}

/// One name that may be written in an object.
public struct KeyShape: Sendable {
    /// The name.
    public let name: String
    /// What may be written behind it.
    public let shape: Shape
    /// What it is for, as a sentence of a reference page.
    public let summary: String
    /// Whether it must be there.
    public let isRequired: Bool
    /// What holds when it is not written, as a reader would write it.
    public let standard: String?
    /// What other programs call it, for whoever writes that.
    public let otherNames: [String]

    /// The key `name`.
    public init(
        _ name: String, _ shape: Shape, _ summary: String, required: Bool = false, standard: String? = nil,
        otherNames: [String] = []
    ) {
        self.otherNames = otherNames
        self.name = name
        self.shape = shape
        self.summary = summary
        isRequired = required
        self.standard = standard
    }

    /// The same key where it may be left out.
    public var optional: KeyShape {
        KeyShape(name, shape, summary, required: false, standard: standard, otherNames: otherNames)
    }
}

extension Shape {
    /// What is expected, for a message: `a whole number from 1 to 10`.
    var expectation: String {
        switch self {
        case .text: "text"
        case .reference(let section): "the name of one of the \(section)"
        case .integer(let range): Shape.expectation("a whole number", range)
        case .decimal(let range): Shape.expectation("a decimal number", range)
        case .boolean: "true or false"
        case .duration: "a duration such as 30s, 5m or 1h30m"
        case .size: "a size such as 64MB or 1GiB"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .list(let item): "a list of \(item.plural)"
        case .map(_, let noun): "a mapping from names to \(noun)"
        case .object(let object): "a mapping that describes a \(object.title)"
        case .textOr(let object): "text, or a mapping that describes a \(object.title)"
        case .anything: "anything"
        }
    }

    private static func expectation(_ noun: String, _ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (Int.min, Int.max): noun
        case (let low, Int.max): "\(noun) of at least \(low)"
        case (let low, let high): "\(noun) from \(low) to \(high)"
        }
    }

    private var plural: String {
        switch self {
        case .text: "texts"
        case .reference: "names"
        case .integer: "whole numbers"
        case .object(let object): "\(object.title)s"
        default: "values"
        }
    }
}
