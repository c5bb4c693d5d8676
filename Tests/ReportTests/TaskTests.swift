import Glibc
import Storage
import Support
import Testing

@testable import Report

@Suite("Tasks of a container")
struct TaskTests {
    @Test(arguments: ["a", "a/b.json", "a b/ü.json", "..a/b..", "$web"])
    func aNameBelowItsContainerIsTaken(name: String) {
        #expect(TaskPlace.staysInside(name))
    }

    @Test(arguments: ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\\b", "a\0b"])
    func aNameThatMayLeadOutIsRefused(name: String) {
        #expect(!TaskPlace.staysInside(name))
    }

    /// A folder below a file can be made by nobody, whoever runs the test.
    @Test func temporaryFilesGoToTheFirstFolderThatCanBeWrittenTo() async throws {
        let folder = try Folder()
        try await folder.write("x", to: "file")
        let before = getenv("TMPDIR").map { String(cString: $0) }
        defer { if let before { setenv("TMPDIR", before, 1) } else { unsetenv("TMPDIR") } }
        try WorkFolder.choose(["\(folder.path)/file/temp", "\(folder.path)/work", folder.path])
        #expect(getenv("TMPDIR").map { String(cString: $0) } == "\(folder.path)/work")
        #expect(try await folder.files() == ["file"])
    }

    @Test func withoutSuchAFolderTheTaskFails() async throws {
        let folder = try Folder()
        try await folder.write("x", to: "file")
        let error = #expect(throws: SluiceError.self) { try WorkFolder.choose(["\(folder.path)/file/temp"]) }
        #expect(error?.code == .permission)
    }
}
