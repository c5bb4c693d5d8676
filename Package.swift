// swift-tools-version: 6.3
import PackageDescription

// Folders are targets, targets stand on floors (docs/architecture.md), and an import goes down. `scripts/check-floors`
// holds the table and this file against the sources.

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
    // Debug builds, and so the tests, check at run time that nobody reads what is being changed; releases trust that.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A C library of the system: a module map under `Sources/Bindings`, found by pkg-config, installed by apt.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/Bindings/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// One of our C or C++ shims, which give Swift a plain C face.
func shim(_ name: String, links libraries: [String] = []) -> Target {
    .target(
        name: name, path: "Sources/Bindings/\(name)",
        cSettings: [.unsafeFlags(["-O3"])],
        cxxSettings: [.unsafeFlags(["-O3"])],
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], excluding: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, exclude: excluding, swiftSettings: swiftSettings)
}

/// The commit that `sluice --version` names: `make` passes it in. Not asked of git here, because SwiftPM keeps what a
/// manifest said as long as the environment stays the same, and a build would name the commit of an earlier one.
let commit = Context.environment["SLUICE_COMMIT"] ?? "unknown"

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["SluiceProgram"]),
        .library(name: "Sluice", targets: ["Sluice"]),
    ],
    targets: [
        // Floor 0: the C libraries that are the reference in their field, and our shims.
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        system("CSnappy", pkgConfig: "snappy", apt: "libsnappy-dev"),
        system("CLz4", pkgConfig: "liblz4", apt: "liblz4-dev"),
        system("CBrotli", pkgConfig: "libbrotlienc libbrotlidec", apt: "libbrotli-dev"),
        system("CYaml", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        shim("CPq"),
        shim("CODBC"),
        system("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
        system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
        shim("CArrow"),
        shim("CNumbers"),
        shim("CSimdjson", links: ["simdjson"]),
        .target(
            name: "CVersion", path: "Sources/Bindings/CVersion",
            cSettings: [.define("SLUICE_COMMIT", to: "\"\(commit)\"")]),
        shim("CScan", links: ["simdjson"]),
        shim("CStripes"),
        shim("CMemory"),
        shim("CChecksum"),
        shim("CCurl"),
        shim("CMicrohttpd"),

        // Floor 1: errors, bytes, words.
        library("Support", []),

        // Floor 2: what the data is made of, and what the user types.
        library("Autoscale", ["Support"]),
        tests("Autoscale", ["Autoscale", "Support"]),
        library("Columns", ["Support", "CArrow", "CNumbers"]),
        library("CommandLine", ["Support"]),
        library("Settings", ["Support", "CYaml"]),
        library("Transport", ["Support", "CCurl"]),
        tests("Transport", ["Transport", "Support", "CCurl", "TestServers"]),
        library("HTTPServer", ["Support", "CMicrohttpd", "CCrypto"]),
        tests("HTTPServer", ["HTTPServer", "Support"]),

        library("Tar", ["Support"]),
        tests("Tar", ["Tar", "Storage", "Support"]),

        // Floor 3: bytes ↔ columns, and where bytes lie.
        library("Parquet", ["Columns", "Support", "CZlib", "CZstd", "CSnappy", "CLz4", "CBrotli"]),
        library("TextFormats", ["Columns", "Support", "CNumbers", "CSimdjson", "CScan"]),
        tests("TextFormats", ["TextFormats", "Columns", "Support", "CSimdjson"]),
        library("Storage", ["Support", "CZlib", "CZstd", "CCrypto"]),
        library("Postgres", ["Columns", "Support", "CPq"]),

        library("SQLite", ["Columns", "Support", "CSQLite"]),
        library("ODBC", ["Columns", "Support", "CODBC"]),
        tests("ODBC", ["ODBC", "Columns", "Support", "TestServers"]),
        library("Azure", ["Transport", "Settings", "Support", "CCrypto", "CChecksum"]),
        tests(
            "Azure", ["Azure", "Emulator", "Transport", "HTTPServer", "Settings", "Support"], excluding: ["Vectors"]),

        // Floor 4: a table, whatever file it is in; databases that rows end in; the history of runs.
        library("Tables", ["Parquet", "TextFormats", "Storage", "Columns", "Support"]),
        tests("Tables", ["Tables", "TextFormats", "Storage", "Columns", "Support"]),

        library("Warehouse", ["SQLite", "Postgres", "ODBC", "Storage", "Columns", "Support"]),
        library("Runs", ["SQLite", "Columns", "Support"]),
        library(
            "Platforms",
            ["Packages", "Azure", "Transport", "Runs", "Autoscale", "Storage", "Settings", "Support"]),
        .executableTarget(
            name: "Specimen", dependencies: ["Platforms"], path: "Tests/Specimen", swiftSettings: swiftSettings),
        tests(
            "Platforms",
            [
                "Specimen", "Platforms", "Images", "Packages", "Stores", "Emulator", "Azure", "Transport", "Storage",
                "Settings", "Runs", "Support",
            ]),
        library("Synthetic", ["Storage", "Support"]),
        tests("Synthetic", ["Synthetic", "Storage", "Support"]),
        library("Classic", ["Support", "CNumbers", "CScan"]),
        tests("Classic", ["Classic", "Support"]),
        tests("Runs", ["Runs", "SQLite", "Support"]),

        library("Stores", ["Azure", "Transport", "Storage", "Settings", "Support"]),
        tests(
            "Stores",
            ["Stores", "Emulator", "HTTPServer", "Azure", "Transport", "Storage", "Settings", "Support"]),
        library(
            "Emulator",
            ["Tar", "Autoscale", "HTTPServer", "Azure", "Storage", "SQLite", "Columns", "Support", "CCrypto"]),
        tests("Emulator", ["Emulator", "Tar", "HTTPServer", "Azure", "Transport", "Storage", "Support"]),

        library("LakeTables", ["Parquet", "SQLite", "Storage", "Columns", "Support"]),
        tests("LakeTables", ["LakeTables", "Parquet", "Storage", "Columns", "Support", "TestData"]),

        library("Sales", ["Storage", "Support", "CSimdjson", "CScan", "CMemory"]),
        tests("Sales", ["Sales", "Storage", "Support"]),

        library("Packages", ["Tar", "Storage", "Support"]),
        tests("Packages", ["Packages", "Tar", "Storage", "Support"]),

        // Floor 5: where rows come from, and where programs go to.
        library("Images", ["Packages", "Tar", "Azure", "Transport", "Storage", "Support"]),
        tests("Images", ["Images", "Packages", "Storage", "Support"]),
        library(
            "Connectors",
            [
                "Tables", "Warehouse", "SQLite", "Postgres", "ODBC", "Parquet", "TextFormats", "Storage", "Settings",
                "Columns", "Support",
            ]),

        library("ReportPage", ["Sales", "Support"]),
        tests("ReportPage", ["ReportPage", "Sales", "Support"]),

        // Floor 6: what the user declared, and the work itself.
        library("Project", ["Settings", "Support"]),
        library(
            "Ingest",
            ["Connectors", "Warehouse", "Runs", "Parquet", "Storage", "Settings", "Columns", "Support", "CCrypto"]),

        library(
            "Report",
            [
                "ReportPage", "Sales", "Classic", "Runs", "Warehouse", "Parquet", "TextFormats", "SQLite", "Storage",
                "Settings",
                "Columns", "Support", "CStripes",
            ]),
        tests(
            "Report",
            [
                "CStripes", "Report", "Sales", "Warehouse", "SQLite", "Storage", "Settings", "Columns", "Support",
                "TestData",
            ]),

        library(
            "Map", ["LakeTables", "Warehouse", "Runs", "Parquet", "ODBC", "Storage", "Settings", "Columns", "Support"]),
        tests(
            "Map", ["Map", "LakeTables", "Parquet", "ODBC", "Storage", "Columns", "Support", "TestData"],
            excluding: ["Golden"]),

        library(
            "Init",
            [
                "Connectors", "Warehouse", "Runs", "Postgres", "SQLite", "ODBC", "Storage", "Settings", "Columns",
                "Support",
            ]),
        tests(
            "Init",
            [
                "Init", "Connectors", "Warehouse", "Runs", "Postgres", "SQLite", "Settings", "Support", "TestServers",
            ]),

        // Floor 7: the library's face.
        library(
            "Sluice",
            [
                "Ingest", "Report", "Map", "Init", "Platforms", "Images", "Packages", "Azure", "Sales", "Project",
                "Connectors",
                "Warehouse", "Runs", "Stores", "ODBC", "Storage",
                "Settings", "Columns", "Support",
            ]),

        // Floor 8 and 9: the command line, and the program.
        library(
            "Commands",
            [
                "Autoscale", "Sluice", "Azure", "Project", "Ingest", "Report", "Map", "Init", "LakeTables", "Sales",
                "Connectors",
                "Warehouse", "Runs",
                "Synthetic", "Classic", "ReportPage", "Tables", "Parquet", "TextFormats", "Storage", "Stores",
                "Emulator", "Images", "Packages", "Platforms", "Settings", "Columns", "CommandLine", "Support",
                "CVersion",
            ]),
        .executableTarget(name: "SluiceProgram", dependencies: ["Commands"], swiftSettings: swiftSettings),

        // For the tests: random data, and real servers, which they start and stop.
        .target(
            name: "TestData", dependencies: ["Storage", "Columns", "Support"], path: "Tests/TestData",
            swiftSettings: swiftSettings),
        .target(
            name: "TestServers", path: "Tests/TestServers", exclude: ["Programs"], swiftSettings: swiftSettings),

        tests("Support", ["Support"]),
        tests("Columns", ["Columns", "Support", "CArrow", "TestData"]),
        tests("Settings", ["Settings", "Support"]),
        tests("Project", ["Project", "Settings", "Support"]),
        tests(
            "Ingest",
            ["Ingest", "Connectors", "Warehouse", "Storage", "Settings", "Columns", "Support", "TestData"]),
        tests("SQLite", ["SQLite", "Columns", "Support", "TestData"]),
        tests("Postgres", ["Postgres", "Columns", "Support", "TestServers"]),
        tests(
            "Warehouse",
            ["Warehouse", "SQLite", "Postgres", "ODBC", "Columns", "Support", "TestServers", "TestData"],
            excluding: ["SQLServerGolden"]),
        tests("Storage", ["Storage", "Support"]),
        tests(
            "Connectors",
            [
                "Connectors", "Warehouse", "Tables", "Parquet", "TextFormats", "Storage", "Postgres", "SQLite", "ODBC",
                "Settings", "Columns", "Support", "TestServers", "TestData",
            ]),
        // The program of docs/library.md; never part of the product.
        .executableTarget(
            name: "LibraryExample", dependencies: ["Sluice"], path: "examples/library", swiftSettings: swiftSettings),
        tests("Sluice", ["LibraryExample", "Sluice", "Columns", "Support"]),
        tests("CommandLine", ["CommandLine", "Support"]),
        tests(
            "Commands",
            [
                "Commands", "Runs", "CommandLine", "Tables", "Parquet", "Storage", "Columns", "Support",
            ],
            excluding: ["Golden"]),
        tests("Parquet", ["Parquet", "Columns", "Support"], excluding: ["Fixtures"]),
    ],
    cxxLanguageStandard: .cxx17
)

// What the oracle tests load into Python, to exchange batches with pyarrow: `make test` sets the variable.
if Context.environment["SLUICE_TEST_BRIDGE"] != nil {
    package.products.append(.library(name: "ArrowBridge", type: .dynamic, targets: ["ArrowBridge"]))
    package.targets.append(
        .target(
            name: "ArrowBridge", dependencies: ["Columns", "CArrow"], path: "Tests/ArrowBridge",
            swiftSettings: swiftSettings))
}

// What developers run, and users never build: `make fuzz` and `make bench` set the variables.
if Context.environment["SLUICE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Parquet", "TextFormats", "Columns", "Support"], path: "Fuzz/Driver",
            swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])]))
}
if Context.environment["SLUICE_BENCHMARKS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "bench", dependencies: ["Parquet", "ODBC", "Storage", "Columns", "Support"],
            path: "Benchmarks/Driver",
            swiftSettings: swiftSettings))
}
