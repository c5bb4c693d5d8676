import Packages
import Settings
import Storage
import Support

extension PlatformSite {
    /// `packages`, which every kind of platform has.
    static let packagesKey = KeyShape(
        "packages", .text, "Where the project's files are published that runs take: az://account/container/path",
        standard: "runs take those of their image, or of the project's folder")

    /// Where runs take the project's files from, as the section says; nil when it does not.
    ///
    /// - parameter isHere: Whether runs see the folders of this machine.
    func shelf(isHere: Bool) throws(SluiceError) -> PackageShelf? {
        guard let text = section?.text("packages"), !text.isEmpty else { return nil }
        switch try stores.place(of: text) {
        case .stored: return try PackageShelf(text, try stores.store(at: text), name: project)
        case .local(let path):
            guard isHere else {
                throw SluiceError(
                    .invalidConfiguration,
                    "platforms.\(name).packages is \(text), a path of this machine, which runs elsewhere do not see",
                    hint: "name a container: az://account/container/path")
            }
            let whole = Self.plain(path.hasPrefix("/") ? path : "\(folder)/\(path)")
            return try PackageShelf(whole, FolderStore(whole), name: project)
        }
    }

    /// A path as people would write it: without `.` and `..`.
    private static func plain(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
