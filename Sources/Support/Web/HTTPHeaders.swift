/// The header fields of a request or an answer, in their order; names compare without case.
///
///     var headers: HTTPHeaders = ["Content-Type": "text/plain"]
///     headers["content-type"]  // text/plain
public struct HTTPHeaders: Sendable, Sequence, ExpressibleByDictionaryLiteral {
    private var fields: [(name: String, value: String)] = []

    /// No fields.
    public init() {}

    /// These fields.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { (name: $0.0, value: $0.1) }
    }

    /// The first field of this name. Setting it takes the place of all of them; nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { HTTPHeaders.isSame($0.name, name) }?.value }
        set {
            guard let newValue else { return fields.removeAll { HTTPHeaders.isSame($0.name, name) } }
            guard let first = fields.firstIndex(where: { HTTPHeaders.isSame($0.name, name) }) else {
                return fields.append((name, newValue))
            }
            fields[first] = (name, newValue)
            var index = fields.count - 1
            while index > first {
                if HTTPHeaders.isSame(fields[index].name, name) { fields.remove(at: index) }
                index -= 1
            }
        }
    }

    /// Adds a field beside those of the same name.
    public mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

    /// The values of all fields of this name.
    public func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.isSame($0.name, name) }.map(\.value)
    }

    /// How many fields there are.
    public var count: Int { fields.count }

    /// Goes through the fields.
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { fields.makeIterator() }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        let left = left.utf8
        let right = right.utf8
        return left.count == right.count && zip(left, right).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: Equatable {
    /// Whether both have the same fields in the same order.
    public static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { isSame($0.name, $1.name) && $0.value == $1.value }
    }
}
