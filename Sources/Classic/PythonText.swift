/// What `str()` makes of numbers, as they stand in messages.
enum PythonText {
    /// The text of a number.
    static func of(_ node: Node, on tape: Tape) -> String {
        switch node.kind {
        case .yes: "True"
        case .no: "False"
        case .integer: String(node.start)
        case .real: PythonFloat.repr(Double(bitPattern: UInt64(bitPattern: Int64(node.start))))
        default: String(decoding: tape.bytes(node), as: UTF8.self)
        }
    }
}
