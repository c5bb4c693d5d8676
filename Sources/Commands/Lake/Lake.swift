import CommandLine
import Stores
import Support

/// `sluice lake`: what lies in stores, one command each.
struct Lake: CommandFamily {
    let members: [any Command] = [LakeList(), LakeCat(), LakeCopy(), LakeRemove(), LakeStat()]

    var model: CommandModel {
        CommandModel(
            "lake", "List, copy and remove files, here and in Azure's storage",
            subcommands: [.init("What to do", members.map(\.model))],
            notes: [.init("Where files are", Lake.forms), .init("Who asks", Lake.who)])
    }

    /// How places are written.
    static let forms: [(word: String, meaning: String)] = [
        ("data/in, file:///data/in", "this machine"),
        ("abfss://C@A.dfs.core.windows.net/P", "container C, account A, path P"),
        ("https://A.blob.core.windows.net/C/P", "the same by Blob; ?… may be a SAS"),
        ("az://A/C/P", "the same, shorter"),
    ]

    /// With what right stores are used.
    static let who: [(word: String, meaning: String)] = [
        ("in a project", "as its jobs: its azure: section, .env, SLUICE_ENVIRONMENT"),
        ("elsewhere", "as the environment says: see 'sluice check --identity'"),
    ]
}

extension ValueKind where Value == String {
    /// A place in a store, or a file of this machine.
    static var place: ValueKind {
        ValueKind("URL", completion: .files) { text throws(ValueProblem) in
            if text.isEmpty { throw ValueProblem("is empty, a URL or path was expected") }
            return text
        }
    }
}

extension Context {
    /// Asks whoever sits at the terminal.
    func confirms(_ question: String) async throws(SluiceError) -> Bool {
        messages.write(question + " [y/N] ")
        guard let answer = try await input().stream().next() else { return false }
        let word = String(decoding: answer.bytes, as: UTF8.self).lowercased().prefix { !$0.isWhitespace }
        return word == "y" || word == "yes"
    }

    /// Whether there is somebody to ask.
    var canAsk: Bool { terminal.inputIsTerminal && terminal.messagesAreTerminal }
}

/// How objects are told.
enum LakeText {
    /// `3 objects, 1.2 MB`
    static func amount(_ count: Int, _ bytes: Int) -> String {
        "\(objects(count)), \(Quantities.describe(bytes: bytes))"
    }

    /// `3 objects`
    static func objects(_ count: Int) -> String {
        "\(ProgressView.count(count)) \(count == 1 ? "object" : "objects")"
    }

    /// `2026-11-21 05:32:56`
    static func moment(_ moment: Moment?) -> String { moment.map { "\($0.day) \($0.clock)" } ?? "" }
}
