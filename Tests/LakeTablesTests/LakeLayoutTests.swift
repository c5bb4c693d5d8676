import Testing

@testable import LakeTables

@Suite struct LakeLayoutTests {
    private func text(_ placement: FilePlacement?) -> String? {
        placement.map { place in
            place.parts.map(\.value).joined(separator: "/") + " "
                + place.partitions.map { "\($0.name)=\($0.value)" }.joined(separator: ",") + " "
                + FileGroup.id(of: place)
        }
    }

    @Test(arguments: [
        ("orders.parquet", "orders  orders.parquet"),
        ("shop/orders/1.parquet", "shop/orders  shop/orders/*.parquet"),
        ("shop/orders/1.snappy.parquet", "shop/orders  shop/orders/*.parquet"),
        ("orders/year=2024/m=01/x.parquet", "orders year=2024,m=01 orders/year={year}/m={m}/*.parquet"),
        ("year=2024/x.parquet", "lake year=2024 year={year}/*.parquet"),
        ("env=prod/orders/day=1/x.parquet", "env=prod/orders day=1 env=prod/orders/day={day}/*.parquet"),
        ("a/2024/01/31/x.parquet", "a year=2024,month=01,day=31 a/{year}/{month}/{day}/*.parquet"),
        ("a/2024/01/31/23/x.parquet", "a year=2024,month=01,day=31,hour=23 a/{year}/{month}/{day}/{hour}/*.parquet"),
        ("a/2024/x.parquet", "a year=2024 a/{year}/*.parquet"),
        ("a/2024-01-31/x.parquet", "a date=2024-01-31 a/{date}/*.parquet"),
        // No month has the number 13, and no year three digits.
        ("a/2024/13/x.parquet", "a/2024/13  a/2024/13/*.parquet"),
        ("a/202/01/x.parquet", "a/202/01  a/202/01/*.parquet"),
        (
            "postgres/shop/2026-11-21/public_orders_20261121T053256123456Z_001.parquet",
            "postgres/shop/public_orders staged=2026-11-21 "
                + "postgres/shop/{staged}/public_orders_????????T????????????Z*.parquet"
        ),
        ("file/2026-11-21/orders.parquet", "file date=2026-11-21 file/{date}/*.parquet"),
        ("=/x.parquet", "=  =/*.parquet"),
    ])
    func automaticLayoutFindsTableAndPartitions(path: String, expected: String) {
        #expect(text(LakeLayout.automatic.place(path, lake: "lake")) == expected)
    }

    @Test func hiveLayoutTakesDatesForFolders() {
        #expect(
            text(LakeLayout.hive.place("a/2024/01/k=v/x.parquet", lake: "lake"))
                == "a/2024/01 k=v a/2024/01/k={k}/*.parquet")
    }

    @Test func aKeyThatStandsTwiceIsNoTable() {
        #expect(LakeLayout.automatic.place("a/k=1/k=2/x.parquet", lake: "lake") == nil)
    }

    @Test(arguments: [
        (
            "{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet", "2F69/CAN1/2024/05/06/x.parquet",
            "2F69/CAN1 yyyy=2024,mm=05,dd=06"
        ),
        ("{device}/{message}/*.parquet", "2F69/CAN1/2024/x.parquet", nil),
        ("{device}/**/*.parquet", "2F69/a/b/x.parquet", "2F69 "),
        ("{device}/**/*.parquet", "2F69/x.parquet", "2F69 "),
        ("**/{table}_{date}.parquet", "a/b/orders_2024-01-01.parquet", "orders date=2024-01-01"),
        ("{a}-{b}.parquet", "x-y-z.parquet", "x/y-z "),
        ("{a}/{a}.parquet", "x/x.parquet", "x "),
        ("{a}/{a}.parquet", "x/y.parquet", nil),
        ("data??/{t}.parquet", "data01/x.parquet", "x "),
        ("data??/{t}.parquet", "data1/x.parquet", nil),
        ("{t}/*.parquet", "/x.parquet", nil),
        ("\\{t\\}/{t}.parquet", "{t}/x.parquet", "x "),
    ])
    func patternsTellPartsByName(pattern: String, path: String, expected: String?) throws {
        let pattern = try TablePattern(pattern)
        let partitions = pattern.shape.names.filter { TablePattern.dateNames.contains($0) }
        let placement = LakeLayout.pattern(pattern, partitions: partitions).place(path, lake: "lake")
        let found = placement.map { place in
            place.parts.map(\.value).joined(separator: "/") + " "
                + place.partitions.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        }
        #expect(found == expected)
    }

    @Test(arguments: [
        "{a", "a}/x", "{}/x", "{a b}/x", "{a}{b}/x", "{a}*/x", "a//{b}", "a/**", "x.parquet", "**/**/**/{a}",
        "{a}/{A}/x",
    ])
    func patternsThatMeanNothingAreRefused(text: String) {
        #expect(throws: (any Error).self) { try TablePattern(text) }
    }

    /// A pattern that fits nowhere, on a name that it almost fits everywhere, has to be told apart soon.
    @Test func longNamesAreMatchedInReasonableTime() throws {
        let shape = try TablePattern("*a*a*a*a*a*b{x}.parquet").shape
        #expect(shape.match(String(repeating: "a", count: 20_000) + ".parquet") == nil)
    }

    @Test func aMatchIsWhatFillsThePatternAgain() throws {
        let shape = try TablePattern("{a}/x_{b}-?.{c}").shape
        let path = "q/x_1-2-3.parquet"
        let values = try #require(shape.match(path))
        #expect(values == ["a": "q", "b": "1-2", "c": "parquet"])
        #expect(shape.filled(with: values).match(path) == [:])
        #expect(shape.filled(with: values).match("q/x_1-2-34.parquet") == nil)
    }
}
