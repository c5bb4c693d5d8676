import Glibc
import Storage
import Support
import Testing

@Suite struct AtomicFileTests {
    @Test func appearsOnFinishOnly() async throws {
        try await withFolder { folder in
            let sink = try Storage.create(folder + "/out")
            try await sink.write(Buffer(noise(1_000_000)))
            try await sink.write(Buffer([1, 2, 3]))
            #expect(FileIdentity(path: folder + "/out") == nil)
            try await sink.finish()
            #expect(names(in: folder) == ["out"])
            #expect(try contents(of: folder + "/out") == noise(1_000_000) + [1, 2, 3])
        }
    }

    @Test func abandonedLeavesNothingAndKeepsWhatWasThere() async throws {
        try await withFolder { folder in
            try put("old", at: folder + "/out")
            let sink = try Storage.create(folder + "/out")
            try await sink.write(Buffer(noise(1_000_000)))
            await sink.abandon()
            await sink.abandon()
            #expect(names(in: folder) == ["out"])
            #expect(try text(of: folder + "/out") == "old")
        }
    }

    @Test func lettingGoWithoutFinishingLeavesNothing() async throws {
        try await withFolder { folder in
            do {
                let sink = try AtomicFile(folder + "/out")
                try await sink.write(Buffer(noise(1_000_000)))
            }
            #expect(names(in: folder) == [])
        }
    }

    @Test func abandonAfterFinishDoesNothing() async throws {
        try await withFolder { folder in
            let sink = try Storage.create(folder + "/out")
            try await sink.finish()
            await sink.abandon()
            #expect(names(in: folder) == ["out"])
        }
    }

    @Test func newFileObeysTheMask() async throws {
        try await withFolder { folder in
            let mask = umask(0)
            umask(mask)
            try await Storage.create(folder + "/out").finish()
            #expect(try mode(of: folder + "/out") == 0o666 & ~mask)
        }
    }

    @Test func replacedFileKeepsItsPermissions() async throws {
        try await withFolder { folder in
            try put("old", at: folder + "/out")
            chmod(folder + "/out", 0o604)
            try await Storage.create(folder + "/out").finish()
            #expect(try mode(of: folder + "/out") == 0o604)
        }
    }

    @Test func linkStaysAndItsTargetIsReplaced() async throws {
        try await withFolder { folder in
            mkdir(folder + "/far", 0o700)
            try put("old", at: folder + "/far/real")
            symlink(folder + "/far/real", folder + "/out")
            let sink = try Storage.create(folder + "/out")
            try await sink.write(Buffer(Array("new".utf8)))
            try await sink.finish()
            var status = stat()
            lstat(folder + "/out", &status)
            #expect(status.st_mode & S_IFMT == S_IFLNK)
            #expect(try text(of: folder + "/far/real") == "new")
            #expect(names(in: folder + "/far") == ["real"])
        }
    }

    @Test func veryLongNameFits() async throws {
        try await withFolder { folder in
            let name = String(repeating: "n", count: 255)
            try await Storage.create(folder + "/" + name).finish()
            #expect(names(in: folder) == [name])
        }
    }

    @Test func missingFolderIsNamed() throws {
        let error = #expect(throws: SluiceError.self) { try Storage.create("/nowhere/out.parquet") }
        #expect(error?.code == .notFound)
        #expect(error?.message == "the folder '/nowhere' does not exist")
    }

    @Test func folderIsRefused() async throws {
        try await withFolder { folder in
            let error = #expect(throws: SluiceError.self) { try Storage.create(folder) }
            #expect(error?.message == "is a folder; the output must be a file")
        }
    }

    @Test func fileThatMayNotGrowIsAClearErrorAndLeavesNothing() async throws {
        // In a process of its own, because the limit holds for all of it.
        await #expect(processExitsWith: .exitCode(42)) {
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 500_000, rlim_max: 500_000)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            try await withFolder { folder in
                let sink = try Storage.create(folder + "/out")
                do throws(SluiceError) {
                    for _ in 0..<3 { try await sink.write(Buffer(noise(400_000))) }
                } catch {
                    await sink.abandon()
                    guard error.code == .inputOutput, error.message.contains("ile too large") else { exit(1) }
                    exit(names(in: folder).isEmpty ? 42 : 2)
                }
                exit(3)
            }
        }
    }

    @Test func fullDiskIsAClearError() async throws {
        let sink = try Storage.create("/dev/full")
        let error = await #expect(throws: SluiceError.self) { try await sink.write(Buffer([1])) }
        #expect(error?.code == .inputOutput)
        #expect(error?.message.contains("no space left") == true)
    }

    @Test func deviceIsWrittenInPlace() async throws {
        let sink = try Storage.create("/dev/null")
        try await sink.write(Buffer([1]))
        try await sink.finish()
        var status = stat()
        stat("/dev/null", &status)
        #expect(status.st_mode & S_IFMT == S_IFCHR)
    }

    private func mode(of path: String) throws -> mode_t {
        var status = stat()
        #expect(stat(path, &status) == 0)
        return status.st_mode & 0o7777
    }
}
