import Columns
import Storage
import Support
import Testing

@testable import LakeTables

/// The lake that files of these paths and schemas are, as a scan finds it; a file without a schema cannot be read.
func catalogue(_ layout: LakeLayout, _ files: [(path: String, schema: String)]) throws -> LakeCatalogue {
    var found = LakeCatalogue()
    var groups: [String: (group: FileGroup, footers: [String: KnownFooter])] = [:]
    for (number, file) in files.enumerated() {
        let place = try #require(layout.place(file.path, lake: "lake"))
        let entry = ObjectEntry(path: file.path, size: 10, modified: Moment(microseconds: Int64(number)))
        found.paths.append(file.path)
        if file.schema.isEmpty {
            found.unreadable.append(UnreadableFile(entry: entry, name: file.path, reason: "it is damaged"))
            continue
        }
        let id = FileGroup.id(of: place)
        groups[id, default: (FileGroup(place), [:])].group.add(entry, place)
        groups[id]?.footers[file.path] = KnownFooter(rows: 1, schema: try Schema(parsing: file.schema))
    }
    found.paths.sort()
    for (group, footers) in groups.values {
        let members = group.sorted
        found.tables.append(
            group.table(of: members, members.map { footers[$0.entry.path] ?? KnownFooter(rows: 0, schema: Schema([])) })
        )
    }
    found.tables.sort { $0.id < $1.id }
    return found
}
