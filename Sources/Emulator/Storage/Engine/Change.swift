/// One step of the state, as the journal has it. What an operation does is a list of these, which happen together.
enum Change: Sendable {
    case setAccount(String, isHierarchical: Bool)
    case setProperties(account: String, xml: String)
    case setContainer(id: Int, ContainerFacts)
    case dropContainer(id: Int)
    /// Puts an entry in the place of the one before; what was staged for it goes when `endsStaging`.
    case setEntry(container: Int, BlobName, Entry, endsStaging: Bool)
    case dropEntry(container: Int, BlobName)
    /// Drops everything below a folder, and what was staged there.
    case dropBelow(container: Int, BlobName)
    case stage(container: Int, BlobName, StagedPiece, since: Int64)
    case dropStaged(container: Int, BlobName)
    /// Gives an entry another name; a folder takes along what is below it. (On a flat account a blob may have a name that
    /// others begin with.)
    case move(container: Int, BlobName, to: Int, BlobName, isFolder: Bool)
    /// The highest version that was given out, so that none is given out twice.
    case setVersion(Int64)

    func write(to record: borrowing RecordWriter) {
        switch self {
        case .setAccount(let name, let isHierarchical):
            record.write(1)
            record.write(name)
            record.write(isHierarchical)
        case .setProperties(let account, let xml):
            record.write(2)
            record.write(account)
            record.write(xml)
        case .setContainer(let id, let facts):
            record.write(3)
            record.write(id)
            facts.write(to: record)
        case .dropContainer(let id):
            record.write(4)
            record.write(id)
        case .setEntry(let container, let name, let entry, let endsStaging):
            record.write(5)
            record.write(container)
            record.write(name)
            entry.write(to: record)
            record.write(endsStaging)
        case .dropEntry(let container, let name):
            record.write(6)
            record.write(container)
            record.write(name)
        case .dropBelow(let container, let name):
            record.write(7)
            record.write(container)
            record.write(name)
        case .stage(let container, let name, let piece, let since):
            record.write(8)
            record.write(container)
            record.write(name)
            record.write(piece.id)
            record.write(piece.position)
            record.write(piece.extent)
            record.write(since)
        case .dropStaged(let container, let name):
            record.write(9)
            record.write(container)
            record.write(name)
        case .move(let container, let name, let target, let newName, let isFolder):
            record.write(10)
            record.write(container)
            record.write(name)
            record.write(target)
            record.write(newName)
            record.write(isFolder)
        case .setVersion(let version):
            record.write(11)
            record.write(version)
        }
    }

    init(from record: inout RecordReader) throws(RecordReader.Damaged) {
        switch try record.int() {
        case 1: self = .setAccount(try record.text(), isHierarchical: try record.bool())
        case 2: self = .setProperties(account: try record.text(), xml: try record.text())
        case 3: self = .setContainer(id: try record.int(), try ContainerFacts(from: &record))
        case 4: self = .dropContainer(id: try record.int())
        case 5:
            self = .setEntry(
                container: try record.int(), try record.name(), try Entry(from: &record),
                endsStaging: try record.bool())
        case 6: self = .dropEntry(container: try record.int(), try record.name())
        case 7: self = .dropBelow(container: try record.int(), try record.name())
        case 8:
            self = .stage(
                container: try record.int(), try record.name(),
                StagedPiece(id: try record.text(), position: try record.int(), extent: try record.extent()),
                since: try record.integer())
        case 9: self = .dropStaged(container: try record.int(), try record.name())
        case 10:
            self = .move(
                container: try record.int(), try record.name(), to: try record.int(), try record.name(),
                isFolder: try record.bool())
        case 11: self = .setVersion(try record.integer())
        default: throw RecordReader.Damaged()
        }
    }
}
