import Support
import Testing

@testable import Emulator

@Suite struct LeaseTests {
    private let a = "11111111-1111-1111-1111-111111111111"
    private let b = "22222222-2222-2222-2222-222222222222"

    /// A lease of `a` in each of its states, as of second 1000.
    private func lease(_ state: Lease.State) throws -> Lease {
        var lease = Lease()
        if state == .available { return lease }
        try lease.acquire(id: a, seconds: 30, at: 990_000_000)
        switch state {
        case .expired: try lease.acquire(id: a, seconds: 15, at: 980_000_000)
        case .breaking: _ = try lease.breakUp(period: 20, at: 995_000_000)
        case .broken: _ = try lease.breakUp(period: 0, at: 995_000_000)
        case .leased, .available: break
        }
        #expect(lease.state(at: 1_000_000_000) == state)
        return lease
    }

    private func outcome(_ state: Lease.State, _ body: (inout Lease, Int64) throws -> Void) throws -> String {
        var lease = try lease(state)
        let now: Int64 = 1_000_000_000
        do { try body(&lease, now) } catch { return (error as? StorageFault)?.code ?? "?" }
        return lease.state(at: now).rawValue
    }

    /// The service's own table: what each action does in each state.
    @Test(arguments: [
        (Lease.State.available, "leased", "leased"), (.leased, "leased", "LeaseAlreadyPresent"),
        (.breaking, "LeaseIsBreakingAndCannotBeAcquired", "LeaseAlreadyPresent"), (.broken, "leased", "leased"),
        (.expired, "leased", "leased"),
    ]) func acquires(state: Lease.State, sameID: String, otherID: String) throws {
        #expect(try outcome(state) { try $0.acquire(id: a, seconds: 30, at: $1) } == sameID)
        #expect(try outcome(state) { try $0.acquire(id: b, seconds: -1, at: $1) } == otherID)
    }

    @Test(arguments: [
        (Lease.State.available, "LeaseIdMismatchWithLeaseOperation"), (.leased, "leased"),
        (.breaking, "LeaseIsBrokenAndCannotBeRenewed"), (.broken, "LeaseIsBrokenAndCannotBeRenewed"),
        (.expired, "leased"),
    ]) func renews(state: Lease.State, sameID: String) throws {
        #expect(try outcome(state) { try $0.renew(id: a, at: $1) } == sameID)
        #expect(try outcome(state) { try $0.renew(id: b, at: $1) } == "LeaseIdMismatchWithLeaseOperation")
    }

    @Test(arguments: [
        (Lease.State.available, "LeaseNotPresentWithLeaseOperation"), (.leased, "leased"),
        (.breaking, "LeaseIsBreakingAndCannotBeChanged"), (.broken, "LeaseNotPresentWithLeaseOperation"),
        (.expired, "LeaseNotPresentWithLeaseOperation"),
    ]) func changes(state: Lease.State, expected: String) throws {
        #expect(try outcome(state) { try $0.change(id: a, to: b, at: $1) } == expected)
    }

    @Test(arguments: [
        (Lease.State.available, "LeaseIdMismatchWithLeaseOperation"), (.leased, "available"), (.breaking, "available"),
        (.broken, "available"), (.expired, "available"),
    ]) func releases(state: Lease.State, expected: String) throws {
        #expect(try outcome(state) { try $0.release(id: a, at: $1) } == expected)
        #expect(try outcome(state) { try $0.release(id: b, at: $1) } == "LeaseIdMismatchWithLeaseOperation")
    }

    @Test func breaksWhenItsTimeHasCome() throws {
        var lease = Lease()
        #expect(fault { _ = try lease.breakUp(period: nil, at: 0) } == "LeaseNotPresentWithLeaseOperation")
        try lease.acquire(id: a, seconds: 30, at: 0)
        #expect(try lease.breakUp(period: 40, at: 10_000_000) == 20)
        #expect(try lease.breakUp(period: 5, at: 11_000_000) == 5)
        #expect(lease.state(at: 15_999_999) == .breaking)
        #expect(lease.state(at: 16_000_000) == .broken)
        try lease.acquire(id: b, seconds: -1, at: 17_000_000)
        #expect(try lease.breakUp(period: nil, at: 18_000_000) == 0)
        #expect(lease.state(at: 18_000_000) == .broken)
    }

    @Test func holdsWritersOff() throws {
        let fixture = Fixture()
        let engine = try fixture.open()
        try engine.makeContainer("flat/box")
        try engine.write("flat/box/a", "one")
        _ = try engine.lease(BlobPath("flat/box/a"), .acquire(id: a, seconds: 15), .none)
        #expect(fault { try engine.write("flat/box/a", "two") } == "LeaseIdMissing")
        #expect(fault { try engine.write("flat/box/a", "two", Guard(lease: b)) } == "LeaseIdMismatchWithBlobOperation")
        try engine.write("flat/box/a", "two", Guard(lease: a))
        #expect(fault { try engine.delete(BlobPath("flat/box/a"), .none) } == "LeaseIdMissing")
        #expect(
            fault { _ = try engine.find(BlobPath("flat/box/a"), Guard(lease: b)) } == "LeaseIdMismatchWithBlobOperation"
        )
        fixture.wait(seconds: 16)
        #expect(fault { try engine.write("flat/box/a", "x", Guard(lease: a)) } == "LeaseNotPresentWithBlobOperation")
        try engine.write("flat/box/a", "three")
        #expect(
            fault { _ = try engine.lease(BlobPath("flat/box/a"), .renew(id: a), .none) }
                == "LeaseIdMismatchWithLeaseOperation")
        let box = BlobPath("flat/box").parent
        _ = try engine.lease(box, .acquire(id: b, seconds: -1), .none)
        #expect(fault { try engine.deleteContainer(box, .none) } == "LeaseIdMissing")
        try engine.write("flat/box/b", "free")
        try engine.deleteContainer(box, Guard(lease: b))
    }
}

@Suite struct ConditionTests {
    @Test func holdAgainstWhatIsThere() {
        func verdict(_ conditions: Conditions, etag: String? = "0x1", isRead: Bool = false) -> Int {
            do {
                try conditions.check(etag: etag, modified: 100, isRead: isRead)
                return 200
            } catch { return error.status }
        }
        #expect(verdict(.none) == 200)
        #expect(verdict(Conditions(matches: ["0x1"])) == 200)
        #expect(verdict(Conditions(matches: ["*"])) == 200)
        #expect(verdict(Conditions(matches: ["0x2"])) == 412)
        #expect(verdict(Conditions(matches: ["*"]), etag: nil) == 412)
        #expect(verdict(Conditions(noneMatches: ["*"])) == 412)
        #expect(verdict(Conditions(noneMatches: ["0x1"]), isRead: true) == 304)
        #expect(verdict(Conditions(noneMatches: ["0x2"]), isRead: true) == 200)
        #expect(verdict(Conditions(noneMatches: ["*"]), etag: nil) == 200)
        #expect(verdict(Conditions(modifiedSince: 99), isRead: true) == 200)
        #expect(verdict(Conditions(modifiedSince: 100), isRead: true) == 304)
        #expect(verdict(Conditions(modifiedSince: 100)) == 412)
        #expect(verdict(Conditions(unmodifiedSince: 100)) == 200)
        #expect(verdict(Conditions(unmodifiedSince: 99)) == 412)
    }
}
