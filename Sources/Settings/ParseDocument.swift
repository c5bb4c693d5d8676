import CYaml
public import Support

/// Reads a YAML 1.1 or JSON document, and says where everything in it stands.
///
/// Anchors and aliases work; an alias that would swell the document past a million nodes is refused. A name that is
/// written twice in one mapping is reported, since the second would silently win.
///
/// - returns: The document, or nil when it is empty or does not parse, and every problem found.
public func parseDocument(_ text: String, file: String) -> (node: Node?, problems: [Diagnostic]) {
    var builder = DocumentBuilder(file: file)
    do {
        let node = try builder.parse(text)
        return (node, builder.problems)
    } catch {
        return (nil, builder.problems + [error.diagnostic])
    }
}

private struct ParseFailure: Error { let diagnostic: Diagnostic }

/// Turns libyaml's events into nodes.
private struct DocumentBuilder {
    private static let maximumDepth = 100
    private static let maximumNodes = 1_000_000

    let file: String
    var problems: [Diagnostic] = []
    private var anchors: [String: (node: Node, size: Int)] = [:]
    private var nodeCount = 0
    private var parser = yaml_parser_t()

    init(file: String) { self.file = file }

    mutating func parse(_ text: String) throws(ParseFailure) -> Node? {
        guard yaml_parser_initialize(&parser) != 0 else {
            throw failure("out of memory", yaml_mark_t())
        }
        defer { yaml_parser_delete(&parser) }
        // libyaml keeps the pointer until the parser is deleted, so the bytes live in memory that does as well.
        let bytes = Array(text.utf8)
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        defer { input.deallocate() }
        _ = input.update(fromContentsOf: bytes)
        yaml_parser_set_input_string(&parser, input.baseAddress, bytes.count)
        var document: Node?
        while true {
            let event = try next()
            switch event.kind {
            case YAML_STREAM_END_EVENT: return document
            case YAML_DOCUMENT_START_EVENT:
                if let document {
                    throw ParseFailure(
                        diagnostic: Diagnostic(
                            .error, "a second document begins here, one was expected", at: event.mark,
                            hint: "keep one document in \(document.mark.file)"))
                }
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: break
            default: document = try node(from: event, depth: 0)
            }
        }
    }

    // MARK: Nodes

    private mutating func node(from event: Event, depth: Int) throws(ParseFailure) -> Node {
        guard depth < Self.maximumDepth else {
            throw failure("nested deeper than \(Self.maximumDepth) levels", event.mark)
        }
        let before = nodeCount
        let node: Node
        switch event.kind {
        case YAML_SCALAR_EVENT:
            node = Node(.scalar(Scalar(event.text, isPlain: event.isPlain)), at: event.mark)
        case YAML_SEQUENCE_START_EVENT: node = try sequence(at: event.mark, depth: depth)
        case YAML_MAPPING_START_EVENT: node = try mapping(at: event.mark, depth: depth)
        case YAML_ALIAS_EVENT: return try alias(event)
        default: throw failure("unexpected end", event.mark)
        }
        try count(1, event.mark)
        if let anchor = event.anchor { anchors[anchor] = (node, nodeCount - before) }
        return node
    }

    private mutating func count(_ nodes: Int, _ mark: Diagnostic.Mark) throws(ParseFailure) {
        nodeCount += nodes
        guard nodeCount <= Self.maximumNodes else {
            throw failure("the document has more than \(Self.maximumNodes) nodes", mark)
        }
    }

    private mutating func alias(_ event: Event) throws(ParseFailure) -> Node {
        guard let target = anchors[event.text] else {
            throw failure("no anchor is called \"\(event.text)\" above this place", event.mark)
        }
        try count(target.size, event.mark)
        return target.node
    }

    private mutating func sequence(at mark: Diagnostic.Mark, depth: Int) throws(ParseFailure) -> Node {
        var items: [Node] = []
        while true {
            let event = try next()
            if event.kind == YAML_SEQUENCE_END_EVENT { return Node(.sequence(items), at: mark) }
            items.append(try node(from: event, depth: depth + 1))
        }
    }

    private mutating func mapping(at mark: Diagnostic.Mark, depth: Int) throws(ParseFailure) -> Node {
        var entries: [Node.Entry] = []
        var places: [String: Diagnostic.Mark] = [:]
        while true {
            let event = try next()
            if event.kind == YAML_MAPPING_END_EVENT { return Node(.mapping(entries), at: mark) }
            guard event.kind == YAML_SCALAR_EVENT else {
                throw failure("a name was expected here, not a list or mapping", event.mark)
            }
            let value = try node(from: try next(), depth: depth + 1)
            if let first = places[event.text] {
                problems.append(
                    Diagnostic(
                        .error, "\"\(event.text)\" is written twice in this mapping", at: event.mark,
                        path: event.text, hint: "the first is at line \(first.line); keep one of them"))
                continue
            }
            places[event.text] = event.mark
            entries.append(Node.Entry(key: event.text, keyMark: event.mark, value: value))
        }
    }

    // MARK: Events

    private struct Event {
        let kind: yaml_event_type_t
        let mark: Diagnostic.Mark
        var text = ""
        var anchor: String?
        var isPlain = false
    }

    /// The next event, with everything copied out of libyaml's memory.
    private mutating func next() throws(ParseFailure) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) != 0 else { throw syntaxFailure() }
        defer { yaml_event_delete(&event) }
        var copy = Event(kind: event.type, mark: mark(event.start_mark))
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            copy.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            copy.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            copy.anchor = string(scalar.anchor)
        case YAML_SEQUENCE_START_EVENT: copy.anchor = string(event.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: copy.anchor = string(event.data.mapping_start.anchor)
        case YAML_ALIAS_EVENT: copy.text = string(event.data.alias.anchor) ?? ""
        default: break
        }
        return copy
    }

    private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }

    private func mark(_ mark: yaml_mark_t) -> Diagnostic.Mark {
        Diagnostic.Mark(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func failure(_ message: String, _ place: yaml_mark_t) -> ParseFailure { failure(message, mark(place)) }

    private func failure(_ message: String, _ mark: Diagnostic.Mark) -> ParseFailure {
        ParseFailure(diagnostic: Diagnostic(.error, message, at: mark))
    }

    private func syntaxFailure() -> ParseFailure {
        let problem = parser.problem.map { String(cString: $0) } ?? "the text is not YAML"
        let context = parser.context.map { " " + String(cString: $0) } ?? ""
        let place = parser.problem_mark
        // An encoding error has no mark, only a byte position.
        let isReaderError = parser.error == YAML_READER_ERROR
        let message = isReaderError ? "\(problem) at byte \(parser.problem_offset)" : problem + context
        let hint =
            problem.contains("cannot start any token")
            ? "indent with spaces, and quote text that begins with @, ` or a tab"
            : problem.contains("mapping values are not allowed") ? "quote a text that holds \": \"" : nil
        return ParseFailure(diagnostic: Diagnostic(.error, message, at: mark(place), hint: hint))
    }
}
