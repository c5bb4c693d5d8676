import Foundation
import Sluice
import Testing

@testable import LibraryExample

/// The program of docs/library.md does what the page says, and what a user's first project comes to.
@Suite struct LibraryExampleTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-library-\(UUID())")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write(
            "sluice.yaml",
            """
            project: shop
            connections: { inbox: { protocol: file, path: . } }
            jobs:
              orders: { kind: ingest, from: inbox, files: orders-*.csv, mode: merge, key: id, types: { amount: "decimal(9,2)" } }
            """)
        try write("orders-1.csv", "id,amount\n1,9.50\n2,12\n3,many\n")
    }

    private func write(_ name: String, _ text: String) throws {
        try Data((text + "\n").utf8).write(to: folder.appending(path: name))
    }

    @Test func runsAJobAndCountsItsRows() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try await LoadOrders.load("orders", of: folder.path)
        #expect(first == "orders: partial, 3 read, 2 loaded, 1 rejected, 2 in the table")
        #expect(try await LoadOrders.load("orders", of: folder.path) == "orders: nothing new")

        try write("orders-2.csv", "id,amount\n2,13.00\n4,1.25")
        let second = try await LoadOrders.load("orders", of: folder.path)
        #expect(second == "orders: succeeded, 2 read, 2 loaded, 0 rejected, 3 in the table")
    }

    @Test func aRunWithoutNewFilesSucceedsAndIsInTheHistory() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let workspace = try await Workspace.open(folder.path)
        let states = [
            await workspace.run("orders").record.state, await workspace.run("orders").record.state,
        ]
        #expect(states == [.partial, .succeeded])
        let told = try await workspace.history().list(RunFilter(job: "orders"))
        #expect(told.map(\.state) == [.succeeded, .partial])
        #expect(told.map(\.counts.rowsLoaded) == [0, 2])
    }

    @Test func whatIsWrongWithTheProjectIsThrownWithItsPlace() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("sluice.yaml", "project: shop\njobs: { orders: { kind: ingest, from: nowhere, files: '*' } }")
        do {
            _ = try await LoadOrders.load("orders", of: folder.path)
            Issue.record("it ran")
        } catch let error as SluiceError {
            #expect(error.code == .invalidConfiguration)
            #expect("\(error)".contains("sluice.yaml:2:") && "\(error)".contains("\"nowhere\""))
        }
    }
}
