import CommandLine
import Storage
import Stores
import Support

/// `sluice lake cat`: the bytes of objects, one behind the other.
struct LakeCat: Command {
    let urls = Parameter.arguments("URL", .place, help: "Files or patterns")
    let head = Parameter.optional("head", .byteSize, help: "Only so many bytes from the beginning of each")
    let tail = Parameter.optional("tail", .byteSize, help: "Only so many bytes from the end of each")

    var model: CommandModel {
        CommandModel(
            "cat", "Write files to standard output", [.arguments(urls), .options(head, tail)],
            discussion: """
                The bytes are those of the version that was opened, and are held against the checksum that their \
                writer left, where there is one. --head and --tail read no more than they show.
                """,
            examples: [
                .init("sluice lake cat az://A/C/in/orders.csv", "all of it"),
                .init("sluice lake cat --head 2kB 'az://A/C/in/*.csv'", "how each begins"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        if context.options.isJSON {
            throw SluiceError(
                .usage, "standard output cannot hold both the files and the answer of --json", hint: "Leave --json out."
            )
        }
        if arguments[head] != nil, arguments[tail] != nil {
            throw SluiceError(.usage, "--head and --tail exclude each other", hint: "Leave one of them out.")
        }
        let stores = try context.openStores(for: arguments[urls])
        let output = try context.binaryOutput()
        for url in arguments[urls] {
            let selection = try await StoreSelection(try stores.place(url))
            if case .folder = selection.kind {
                throw SluiceError(
                    .usage, "is a folder, not a file", place: .init(file: selection.place.name),
                    hint: "Name the files in it, for example '\(selection.place.name)/*'.")
            }
            let listing = try await selection.entries(recursive: true)
            var count = 0
            while let page = try await listing.next() {
                for entry in page.sorted(by: { $0.path < $1.path }) where !entry.isFolder {
                    count += 1
                    try await write(
                        try await selection.place.store.open(entry.path), arguments[head], arguments[tail], to: output)
                }
            }
            if count == 0 {
                throw SluiceError(.notFound, "no object fits the pattern", place: .init(file: url))
            }
        }
        try await output.finish()
        return .succeeded
    }

    private func write(
        _ object: any StoredObject, _ head: Int?, _ tail: Int?, to output: any ByteSink
    ) async throws(SluiceError) {
        guard let part = head.map({ 0..<min($0, object.size) }) ?? tail.map({ max(0, object.size - $0)..<object.size })
        else {
            let stream = try await object.stream()
            while let bytes = try await stream.next() {
                if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
                try await output.write(bytes)
            }
            return
        }
        for start in stride(from: part.lowerBound, to: part.upperBound, by: 32 << 20) {
            try await output.write(try await object.read(start..<min(start + 32 << 20, part.upperBound)))
        }
    }
}
