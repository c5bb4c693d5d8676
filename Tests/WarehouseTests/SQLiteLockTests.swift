import Glibc
import SQLite
import Support
import TestData
import Testing
import Warehouse

/// One run of a job at a time, and never a lock that nobody holds.
@Suite struct SQLiteLockTests {
    @Test func theSecondOneIsRefusedAndToldWhoHasIt() async throws {
        let place = try await SQLitePlace()
        let first = try await place.session("sluice shop.orders run 1")
        let second = try await place.session("sluice shop.orders run 2")
        try await first.lock("shop.orders", wait: .zero)
        try await first.lock("shop.orders", wait: .zero)
        let error = await #expect(throws: SluiceError.self) {
            try await second.lock("shop.orders", wait: .milliseconds(60))
        }
        #expect(error?.isTransient == true)
        #expect(error?.message.contains("\"sluice shop.orders run 1\", since 2") == true)
        #expect(error?.message.contains("process \(getpid())") == true)
        #expect(error?.hint != nil)
        try await second.lock("shop/orders ../x\n", wait: .zero)
        await first.close()
        let third = try await place.session("sluice shop.orders run 3")
        try await third.lock("shop.orders", wait: .zero)
        await third.close()
        await second.close()
    }

    @Test func theSecondOneWaitsForTheFirst() async throws {
        let place = try await SQLitePlace()
        let first = try await place.session()
        let second = try await place.session()
        try await first.lock("j", wait: .zero)
        let waiting = Task { try await second.lock("j", wait: .seconds(20)) }
        try await Task.sleep(for: .milliseconds(80))
        await first.close()
        try await waiting.value
        await second.close()
    }

    @Test func waitingEndsWhenTheTaskIsCancelled() async throws {
        let place = try await SQLitePlace()
        let first = try await place.session()
        let second = try await place.session()
        try await first.lock("j", wait: .zero)
        let waiting = Task { try await second.lock("j", wait: .seconds(60)) }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        let result = await waiting.result
        #expect { try result.get() } throws: { ($0 as? SluiceError)?.code == .cancelled }
        await first.close()
    }

    @Test func aLockDiesWithTheProcessThatHeldIt() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        try await session.lock("j", wait: .zero)
        await session.close()
        let file = try #require(lockFile(of: place.path))
        // Another process takes the lock, says so, and then is killed.
        var pid = pid_t()
        let script = """
            import fcntl, sys, time
            f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX)
            f.write('process 1 on elsewhere, "other run", since long ago'); f.flush()
            open(sys.argv[1] + '.held', 'w'); time.sleep(60)
            """
        let arguments = ["python3", "-c", script, file]
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        try #require(posix_spawnp(&pid, "python3", nil, nil, &pointers, environ) == 0)
        for _ in 0..<500 where access(file + ".held", F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
        let second = try await place.session()
        let error = await #expect(throws: SluiceError.self) { try await second.lock("j", wait: .milliseconds(40)) }
        #expect(error?.message.contains("\"other run\", since long ago") == true)
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        try await second.lock("j", wait: .zero)
        await second.close()
    }

    private func lockFile(of database: String) -> String? {
        let folder = String(database.prefix(upTo: database.lastIndex(of: "/") ?? database.endIndex))
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".lock") { return folder + "/" + name }
        }
        return nil
    }
}
