import Glibc
import Packages
import Platforms
import Runs
import Storage
import Support
import Testing

/// A platform whose runs take the project from packages.
struct PackagedPlace: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The platform with a folder of its own, and a job that nobody else deploys.
    let make: @Sendable (_ folder: String) async throws -> (platform: any Platform, job: JobDeployment)

    static let all = [
        PackagedPlace(testDescription: "local") { folder in
            let shelf = try PackageShelf("\(folder)/packages", FolderStore("\(folder)/packages"), name: "shop")
            let job = JobDeployment(
                project: "shop", job: "packaged", kind: "ingest", environment: "prod", arguments: ["print", "standard"])
            return (LocalPlatform(folder: "\(folder)/runs", program: specimen, shelf: shelf), job)
        },
        PackagedPlace(testDescription: "Container Apps, emulated") { _ in
            let azure = try await EmulatedAzure.shared
            let place = try await azure.placeOfPackages("apps")
            return (try azure.containerApps("\npackages: \(place)"), azure.job("packaged"))
        },
        PackagedPlace(testDescription: "Batch, emulated") { _ in
            let azure = try await EmulatedAzure.shared
            let place = try await azure.placeOfPackages("batch")
            return (try await EmulatedAzure.batch("packaged", "packages: \(place)\n"), azure.job("packaged"))
        },
    ]
}

/// Packages as the contract has them: what was deployed is what runs.
@Suite(.timeLimit(.minutes(3))) struct PackagedRunTests {
    private func with(
        _ place: PackagedPlace,
        _ body: (_ platform: any Platform, _ job: JobDeployment, _ folder: String) async throws -> Void
    ) async throws {
        var template = Array("/tmp/sluice-packaged-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { removeTree(folder) }
        let (platform, job) = try await place.make(folder)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(platform, job, folder)) } catch { outcome = .failure(error) }
        _ = try? await platform.delete(job)
        try outcome.get()
    }

    /// A project with one file that says `text`.
    private func package(_ text: String, in folder: String) async throws -> Package {
        mkdir("\(folder)/shop", 0o700)
        let file = try #require(fopen("\(folder)/shop/sluice.yaml", "w"))
        fputs("project: shop # \(text)\n", file)
        fclose(file)
        return try await Package.build(
            ProjectFiles(in: "\(folder)/shop"), name: "shop",
            program: .init(version: "0.1.0", hash: String(repeating: "ab", count: 32)), to: "\(folder)/\(text).tar.zst")
    }

    /// What a run that is asked for it says is its package.
    private func packageOfARun(_ platform: any Platform, _ job: JobDeployment) async throws -> String {
        let handle = try await platform.start(
            RunRequest(run: RunID.make(), arguments: ["variable", RunRequest.packageVariable], job: job))
        #expect(try await platform.wait(for: handle).state == .succeeded)
        var bytes: [UInt8] = []
        while true {
            let page = try await platform.log(handle, from: bytes.count)
            bytes += page.bytes
            if page.isLast { return String(decoding: bytes, as: UTF8.self).filter { $0 != "\n" } }
            if page.bytes.isEmpty { usleep(20_000) }
        }
    }

    @Test(arguments: PackagedPlace.all) func runsTakeThePackageThatTheirJobWasDeployedWith(_ place: PackagedPlace)
        async throws
    {
        try await with(place) { platform, job, folder in
            var job = job
            #expect(platform.abilities.deploys)
            let shelf = try #require(platform.shelf)
            let made = try await package("first", in: folder)
            job.package = shelf.reference(to: made.hash)
            // Seen before it is published: a plan changes nothing.
            let plan = try await platform.plan(job)
            #expect(
                plan.changes.first { $0.path == "package" }
                    == DeploymentChange(.create, "package", to: job.package?.description))
            await #expect(throws: SluiceError.self) { try await shelf.find("current") }
            let first = try await platform.package(made)
            #expect(first == job.package)
            #expect(try await shelf.find("current") == first)
            #expect(try await platform.deployed(job) == nil)
            try await platform.apply(plan)
            #expect(try await platform.deployed(job)?.package == first)
            #expect(try await platform.plan(job).isEmpty)
            #expect(try await packageOfARun(platform, job) == first.description)

            // Another one that is published is not taken until it is deployed.
            let second = try await platform.package(try await package("second", in: folder))
            #expect(second != first)
            #expect(try await platform.deployed(job)?.package == first)
            #expect(try await packageOfARun(platform, job) == first.description)
            job.package = second
            let next = try await platform.plan(job)
            #expect(
                next.changes.filter { $0.action != .keep }
                    == [DeploymentChange(.update, "package", from: first.description, to: second.description)])
            try await platform.apply(next)
            #expect(try await packageOfARun(platform, job) == second.description)
            // What was planned before is not done any more.
            await #expect(throws: SluiceError.self) { try await platform.apply(plan) }

            // And back.
            job.package = try await shelf.find(String(first.hash.prefix(8)))
            try await platform.apply(try await platform.plan(job))
            #expect(try await packageOfARun(platform, job) == first.description)
            let rows = await platform.check(job)
            #expect(rows.first { $0.subject == "packages" }?.finding.contains(second.short) == true)
            #expect(rows.allSatisfy { $0.outcome == .passed || $0.subject == "identity" }, "\(rows)")
            #expect(try await platform.delete(job))
            #expect(try await platform.deployed(job) == nil)
        }
    }

    @Test(arguments: Place.all) func whereNoPackagesAreTakenNoneIsPublished(_ place: Place) async throws {
        var template = Array("/tmp/sluice-packaged-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { removeTree(folder) }
        let (platform, _) = try await place.make(folder)
        #expect(platform.shelf == nil)
        let package = try await package("none", in: folder)
        let error = await #expect(throws: SluiceError.self) { try await platform.package(package) }
        #expect(error?.code == .unsupported && error?.hint?.contains("packages:") == true)
    }

    @Test func aJobWithoutAPackageIsNotStartedWhereItNeedsOne() async throws {
        try await with(PackagedPlace.all[0]) { platform, job, _ in
            let request = RunRequest(run: RunID.make(), arguments: ["print", "x"], job: job)
            let error = await #expect(throws: SluiceError.self) { try await platform.start(request) }
            #expect(error?.code == .notFound && error?.hint?.contains("sluice deploy packaged") == true)
            let found = try await platform.find(request.run)
            #expect(found == nil)
            let refused = await #expect(throws: SluiceError.self) { try await platform.plan(job) }
            #expect(refused?.code == .usage)
        }
    }

    /// Packages on a path of this machine are of no use elsewhere.
    @Test(arguments: ["../packages", "/srv/packages"]) func pathsOfThisMachineAreRefusedElsewhere(_ path: String)
        async throws
    {
        let azure = try await EmulatedAzure.shared
        for section in [
            EmulatedAzure.containerApps + "\npackages: \(path)", EmulatedAzure.batch + "packages: \(path)\n",
        ] {
            let error = #expect(throws: SluiceError.self) {
                try PlatformRegistry.standard.make(azure.site("cloud", section))
            }
            #expect(error?.message.contains("platforms.cloud.packages is \(path)") == true)
        }
    }

    @Test func aRunHereHasAFolderOfItsOwnThatGoesWithIt() async throws {
        var template = Array("/tmp/sluice-packaged-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { removeTree(folder) }
        let platform = LocalPlatform(folder: "\(folder)/runs", program: specimen)
        let handle = try await platform.start(
            RunRequest(run: RunID.make(), arguments: ["litter", "10", "variable", "TMPDIR", "sleep", "1"]))
        let work = "\(folder)/runs/\(handle.run)/work"
        var isThere = false
        for _ in 0..<200 where !isThere {
            usleep(10_000)
            isThere = access("\(work)/litter/9", F_OK) == 0
        }
        #expect(isThere)
        #expect(try await platform.wait(for: handle).state == .succeeded)
        #expect(String(decoding: try await platform.log(handle, from: 0).bytes, as: UTF8.self) == "\(work)\n")
        #expect(access(work, F_OK) != 0)
        // A place that somebody chose is theirs.
        let other = try await platform.start(
            RunRequest(run: RunID.make(), arguments: ["variable", "TMPDIR"], environment: ["TMPDIR": "/var/tmp"]))
        #expect(try await platform.wait(for: other).state == .succeeded)
        #expect(String(decoding: try await platform.log(other, from: 0).bytes, as: UTF8.self) == "/var/tmp\n")
    }
}
