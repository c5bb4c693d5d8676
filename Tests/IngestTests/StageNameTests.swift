import Storage
import Support
import TestData
import Testing

@testable import Ingest

@Suite struct StageNameTests {
    private static let moment = Moment(microseconds: 1_795_239_176_123_456)

    private func name(_ unit: String, source: String = "shop", protocolName: String = "postgres") -> StageName {
        StageName(
            folder: StageName.folder(protocolName: protocolName, source: source, moment: Self.moment), unit: unit,
            moment: Self.moment)
    }

    @Test func isProtocolSourceDayUnitAndMoment() {
        let name = name("public.orders")
        #expect(name.part(0) == "postgres/shop/2026-11-21/public_orders_20261121T053256123456Z.parquet")
        #expect(name.part(1) == "postgres/shop/2026-11-21/public_orders_20261121T053256123456Z_001.parquet")
        #expect(name.part(1234) == "postgres/shop/2026-11-21/public_orders_20261121T053256123456Z_1234.parquet")
    }

    @Test(arguments: [
        "../../etc/passwd", "/etc/passwd", "..", ".", "", "a/../../b", "~root", "a\u{0}b", "a\nb", "-rf", "C:\\x",
        "née",
        "😀", "con|cat;rm *", "$(id)", "`id`", ".hidden", String(repeating: "x", count: 5000),
        String(repeating: "é", count: 5000),
    ])
    func noNameLeavesItsFolder(_ hostile: String) {
        for path in [
            name(hostile).part(0), name("t", source: hostile).part(0), name("t", protocolName: hostile).part(3),
        ] {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            #expect(parts.count == 4)
            for part in parts {
                #expect(!part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255)
                #expect(!part.hasPrefix("."))
                let isPlain = part.unicodeScalars.allSatisfy { scalar in
                    switch scalar {
                    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
                    default: false
                    }
                }
                #expect(isPlain, "\(part)")
            }
        }
    }

    /// Long names keep apart what their beginnings have in common.
    @Test func longNamesDiffer() {
        let start = String(repeating: "x", count: 400)
        #expect(SafeName.make(start + "a") != SafeName.make(start + "b"))
    }

    /// Several runs at the same microsecond, and names that become the same when they are made safe.
    @Test func noTwoRunsGetOneName() async throws {
        let folder = try Folder()
        let lake = FolderStore(folder.path)
        let taken = try await withThrowingTaskGroup(of: StageName.self) { group in
            for run in 0..<50 {
                group.addTask {
                    try await Claims(lake, pipeline: "p\(run % 3)").take(
                        folder: "file/in/2026-11-21", unit: run % 2 == 0 ? "a.b" : "a/b", from: Self.moment,
                        run: "run-\(run)")
                }
            }
            var names: [StageName] = []
            for try await name in group { names.append(name) }
            return names
        }
        #expect(Set(taken.map(\.stem)).count == 50)
    }

    /// What a dead run left goes with the pipeline's next run, and nothing else does.
    @Test func deadClaimsAreSwept() async throws {
        let folder = try Folder()
        let lake = FolderStore(folder.path)
        func stage(_ pipeline: String, _ run: String) async throws -> StageName {
            let name = try await Claims(lake, pipeline: pipeline).take(
                folder: "file/in/2026-11-21", unit: "t", from: Self.moment, run: run)
            try await lake.write("rows", to: name.part(0))
            return name
        }
        let dead = try await stage("shop.a", "dead")
        let whole = try await stage("shop.a", "whole")
        try await lake.write("{}", to: Manifest.path(folder: whole.folder, run: "whole"))
        let other = try await stage("shop.b", "other")
        let own = try await stage("shop.a", "own")
        try await Claims(lake, pipeline: "shop.a").sweep(sparing: "own")
        let left = try await lake.list("")
        #expect(!left.contains(dead.part(0)))
        #expect(!left.contains(dead.claim))
        for name in [whole, other, own] { #expect(left.contains(name.part(0))) }
        #expect(!left.contains(whole.claim))
        #expect(left.contains(other.claim))
        #expect(left.contains(own.claim))
    }
}
