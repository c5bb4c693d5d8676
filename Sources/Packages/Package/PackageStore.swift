public import Storage
public import Support

/// Packages of one name in a store: every one that was ever published, under its hash, and which is current.
///
/// The order of writing makes a publication all or nothing: the archive, then the document that tells of it, then the list of
/// releases, which alone decides. Whoever dies between leaves a package that nobody uses, and that the next one finds there.
public struct PackageStore: Sendable {
    /// A package of the store.
    public struct Publication: Sendable, Equatable {
        /// By which it is called.
        public let hash: String
        /// How many bytes its archive has.
        public let size: Int
        /// The archive's SHA-256.
        public let archiveHash: String
        /// What is in it.
        public let manifest: PackageManifest
    }

    /// One entry of the list of releases.
    public struct Release: Sendable, Equatable {
        /// Which package became current.
        public let hash: String
        /// When.
        public let moment: String
        /// Whether it was current before, and was gone back to.
        public let isRollback: Bool
        /// The program that it was made for.
        public let program: String
        /// How many bytes its archive has.
        public let size: Int
    }

    private let store: any ObjectStore
    /// Whose packages these are.
    public let name: String

    private static let format = "sluice-releases/1"
    /// How many entries are kept; the packages themselves stay.
    private static let mostReleases = 1000

    /// The packages called `name` in `store`.
    public init(_ store: any ObjectStore, name: String) throws(SluiceError) {
        guard PackageName.isValid(name) else {
            throw SluiceError(
                .usage, "\"\(Display.safe(name))\" is no name of a package",
                hint: "a name has letters, digits, '.', '_' and '-'")
        }
        self.store = store
        self.name = name
    }

    private func archive(_ hash: String) -> String { "\(name)/\(hash).tar.zst" }
    private func document(_ hash: String) -> String { "\(name)/\(hash).json" }
    private var list: String { "\(name)/releases.json" }

    /// Where the archive of a package is, for messages and platforms.
    public func url(_ hash: String) -> String { store.url(archive(hash)) }

    // MARK: Writing

    /// Puts a package there and makes it current.
    ///
    /// - returns: Whether anything had to be sent, and whether it was not current before.
    public func publish(_ package: Package, at moment: Moment = .now) async throws(SluiceError) -> (
        sent: Bool, isNew: Bool
    ) {
        guard package.manifest.name == name else {
            throw SluiceError(
                .usage, "the package is called \"\(package.manifest.name)\", and \"\(name)\" is published")
        }
        var isSent = false
        if try await store.facts(document(package.hash)) == nil {
            isSent = true
            let sink = try await store.create(archive(package.hash), .always)
            do throws(SluiceError) {
                let stream = try await LocalFile(package.file).stream()
                let check = try HashingStream(stream)
                while let bytes = try await check.next() { try await sink.write(bytes) }
                guard check.finish() == package.archiveHash else {
                    throw SluiceError(
                        .conflict, "was changed since it was made", place: .init(file: package.file),
                        hint: "build it again")
                }
                try await sink.finish()
            } catch {
                await sink.abandon()
                throw error
            }
            let told: JSONText = [
                "hash": .string(package.hash), "archiveSize": .number(package.size),
                "archiveSha256": .string(package.archiveHash), "manifest": package.manifest.json,
            ]
            try await store.write(told.text(pretty: true) + "\n", to: document(package.hash))
        }
        let program = package.manifest.program.version
        let release = Release(
            hash: package.hash, moment: moment.isoSeconds, isRollback: false, program: program, size: package.size)
        let isNew = try await change { releases in releases.last?.hash == package.hash ? nil : release }
        return (isSent, isNew != nil)
    }

    /// Makes an older package current again: the one that was before the current one, or the one whose hash begins with `prefix`.
    public func rollback(to prefix: String? = nil, at moment: Moment = .now) async throws(SluiceError) -> Release {
        var failure: SluiceError?
        let release = try await change { releases in
            guard let current = releases.last else {
                failure = nothing
                return nil
            }
            let older: Release
            do throws(SluiceError) {
                if let prefix {
                    older = try one(of: releases, prefix)
                } else {
                    older = try previous(in: releases)
                }
            } catch {
                failure = error
                return nil
            }
            guard older.hash != current.hash else {
                failure = SluiceError(.usage, "\(older.hash.prefix(12)) is current already")
                return nil
            }
            return Release(
                hash: older.hash, moment: moment.isoSeconds, isRollback: true, program: older.program, size: older.size)
        }
        if let failure { throw failure }
        guard let release else { throw nothing }
        return release
    }

    /// What was current before the current one; going back twice goes back two steps, and not to and fro.
    private func previous(in releases: [Release]) throws(SluiceError) -> Release {
        var stack: [Release] = []
        for release in releases {
            if release.isRollback, let place = stack.lastIndex(where: { $0.hash == release.hash }) {
                stack.removeSubrange((place + 1)...)
            } else {
                stack.append(release)
            }
        }
        if let found = stack.dropLast().last { return found }
        throw SluiceError(
            .notFound, "there is nothing to go back to: \(stack.last?.hash.prefix(12) ?? "nothing") is the first",
            place: .init(file: store.url(name)), hint: "see what there is: sluice package list")
    }

    /// The one package whose hash begins with `prefix`.
    private func one(of releases: [Release], _ prefix: String) throws(SluiceError) -> Release {
        let found = Set(releases.map(\.hash).filter { $0.hasPrefix(prefix) })
        if found.count > 1 {
            throw SluiceError(
                .usage, "\"\(prefix)\" begins the hashes of \(found.count) packages", hint: "write more of it")
        }
        if let release = releases.last(where: { $0.hash.hasPrefix(prefix) }) { return release }
        throw SluiceError(
            .notFound, "no package whose hash begins with \"\(Display.safe(prefix))\" was ever current",
            place: .init(file: store.url(name)), hint: "see what there is: sluice package list")
    }

    private var nothing: SluiceError {
        SluiceError(
            .notFound, "nothing was ever published as \"\(name)\"", place: .init(file: store.name),
            hint: "publish it first: sluice package publish")
    }

    /// Adds to the list what `next` says, as long as nobody else changes it meanwhile.
    private func change(_ next: ([Release]) -> Release?) async throws(SluiceError) -> Release? {
        for _ in 0..<10 {
            let (releases, tag) = try await read()
            guard let release = next(releases) else { return nil }
            let text = PackageStore.text(Array((releases + [release]).suffix(PackageStore.mostReleases)))
            let condition = tag.map { WriteCondition.ifUnchanged(tag: $0) } ?? .ifAbsent
            if try await store.put(list, Buffer(Array(text.utf8)), condition) { return release }
        }
        throw SluiceError(
            .conflict, "others keep publishing \"\(name)\" at the same time", place: .init(file: store.url(list)),
            hint: "try again", isTransient: true)
    }

    // MARK: Reading

    /// What was current when, the first at the front; the last one is current.
    public func releases() async throws(SluiceError) -> [Release] { try await read().releases }

    /// The hash of the package that was current before the current one, which `rollback` makes current.
    public func previous() async throws(SluiceError) -> String {
        let releases = try await releases()
        if releases.isEmpty { throw nothing }
        return try previous(in: releases).hash
    }

    /// The hash of the package that was published, and whose hash begins with `prefix`.
    public func published(_ prefix: String) async throws(SluiceError) -> String {
        let releases = try await releases()
        if releases.isEmpty { throw nothing }
        return try one(of: releases, prefix).hash
    }

    /// The package that is current.
    public func current() async throws(SluiceError) -> Publication {
        guard let last = try await releases().last else { throw nothing }
        return try await publication(last.hash)
    }

    /// The package called `hash`.
    public func publication(_ hash: String) async throws(SluiceError) -> Publication {
        guard PackageName.isHash(hash) else {
            throw SluiceError(.usage, "\"\(Display.safe(hash))\" is no hash of a package", hint: "it has 64 digits")
        }
        let json = try JSONText.parse(try await store.text(of: document(hash), limit: 64 << 20))
        guard json["hash"]?.text == hash, let size = json["archiveSize"]?.integer,
            let archive = json["archiveSha256"]?.text, PackageName.isHash(archive), let manifest = json["manifest"]
        else {
            throw SluiceError(.invalidData, "does not tell of a package", place: .init(file: store.url(document(hash))))
        }
        let found = try PackageManifest(Buffer(Array((manifest.text() + "\n").utf8)))
        guard try found.hash() == hash else {
            throw SluiceError(
                .invalidData, "tells of other contents than those of \(hash)",
                place: .init(file: store.url(document(hash))))
        }
        return Publication(hash: hash, size: size, archiveHash: archive, manifest: found)
    }

    /// Unpacks the package called `hash` into `folder`, which appears when all of it is there and is what it should be.
    public func unpack(_ hash: String, into folder: String) async throws(SluiceError) -> PackageManifest {
        _ = try await publication(hash)
        return try await PackageReader(try await store.open(archive(hash))).unpack(into: folder, expecting: hash)
    }

    private func read() async throws(SluiceError) -> (releases: [Release], tag: String?) {
        guard try await store.facts(list) != nil else { return ([], nil) }
        let file = try await store.open(list)
        guard file.size <= 4 << 20 else {
            throw SluiceError(
                .limitExceeded, "has \(file.size) bytes, the limit is 4 MiB", place: .init(file: file.name))
        }
        let json = try JSONText.parse(try await file.read(0..<file.size), depthLimit: 10)
        guard json["format"]?.text == PackageStore.format, let items = json["releases"]?.items else {
            throw SluiceError(
                .invalidData, "is no list of releases", place: .init(file: file.name),
                hint: "something else was written there")
        }
        var releases: [Release] = []
        for item in items {
            guard let hash = item["hash"]?.text, PackageName.isHash(hash), let moment = item["at"]?.text else {
                throw SluiceError(.invalidData, "holds a release without a hash", place: .init(file: file.name))
            }
            releases.append(
                Release(
                    hash: hash, moment: moment, isRollback: item["rollback"]?.flag ?? false,
                    program: item["program"]?.text ?? "", size: item["size"]?.integer ?? 0))
        }
        return (releases, file.facts.tag)
    }

    private static func text(_ releases: [Release]) -> String {
        let document: JSONText = [
            "format": .string(format), "current": releases.last.map { .string($0.hash) } ?? .null,
            "releases": .array(
                releases.map { release in
                    .members([
                        "hash": .string(release.hash), "at": .string(release.moment),
                        "program": .string(release.program), "size": .number(release.size),
                        "rollback": release.isRollback ? true : nil,
                    ])
                }),
        ]
        return document.text(pretty: true) + "\n"
    }
}
