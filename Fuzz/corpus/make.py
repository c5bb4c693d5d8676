"""Writes the corpus: small files of every kind, the same at every run. Run by hand when a kind is added.

    .venv/bin/python Fuzz/corpus/make.py
"""

import random
import struct
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Tests/Oracle"))
from arrow import FLAT, table_of_every_type, values  # noqa: E402

rng = random.Random(20260101)


def parquet(name, table, **options):
    options = {"compression": "none", "write_statistics": False, **options}
    path = HERE / "parquet" / name
    pq.write_table(table, path, **options)
    contents = path.read_bytes()
    length = struct.unpack("<I", contents[-8:-4])[0]
    if length < 3000:
        (HERE / "footer" / name).write_bytes(contents[-8 - length:-8])


def some(type, count=12, nulls="some"):
    return pa.table({"a": values(rng, type, count, nulls)})


ints = pa.table({"a": pa.array([1, 2, None, -(1 << 63), (1 << 63) - 1, 5] * 3, pa.int64())})
strings = pa.table({"s": ["abc", "abd", None, "", "é漢", "abcdef"] * 3})
for codec in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    parquet(f"codec-{codec}", strings, compression=codec)
for encoding in ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]:
    parquet(f"int-{encoding.lower()}", ints, use_dictionary=False, column_encoding={"a": encoding})
for encoding in ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
    parquet(f"text-{encoding.lower()}", strings, use_dictionary=False, column_encoding={"s": encoding})
parquet("bool-rle", some(pa.bool_(), 40), use_dictionary=False, column_encoding={"a": "RLE"})
parquet("page-v2", strings, data_page_version="2.0", compression="snappy")
parquet("checksums", strings, write_page_checksum=True)
parquet("page-index", ints, write_page_index=True, write_statistics=True)
parquet("groups", ints, row_group_size=4, store_schema=False)
parquet("zero-rows", ints.slice(0, 0))
parquet("all-null", pa.table({"n": pa.nulls(5), "s": pa.nulls(5, pa.string())}))
parquet("int96", pa.table({"t": pa.array([0, None, 10**18], pa.timestamp("ns"))}), use_deprecated_int96_timestamps=True)
parquet("decimal-int", some(pa.decimal128(9, 2)), store_decimal_as_integer=True)
parquet("decimal", some(pa.decimal128(38, 10)))
parquet("list", some(pa.list_(pa.int32())))
parquet("list-legacy", some(pa.list_(pa.string())), use_compliant_nested_type=False)
parquet("list-list", some(pa.list_(pa.list_(pa.int8()))))
parquet("struct", some(pa.struct([("x", pa.int16()), ("y", pa.struct([("z", pa.string())]))])))
parquet("map", some(pa.map_(pa.string(), pa.float64())))
parquet("deep", some(pa.list_(pa.struct([("m", pa.map_(pa.int32(), pa.list_(pa.date32())))])), 8))
parquet("every-type", table_of_every_type(rng, 3, [t for i, t in enumerate(FLAT) if i % 2 == 0]), store_schema=False)

CSV = {
    "plain": "a,b,c\n1,2.5,x\n-3,1e9,\n",
    "quotes": 'a,b\n"x,y","say ""hi"""\n"two\nlines",z\n',
    "crlf": "id;name\r\n001;Zoë\r\n2;\r\n",
    "times": "d,t,s\n2026-01-02,23:59:59.5,2026-01-02T03:04:05.678Z\n2026-12-31,00:00,2026-01-02 03:04:05+02:00\n",
    "widens": "n\n1\n2\n3\n1.5\n",
    "to-text": "n,m\n1,1\n2,2\nx,9223372036854775808\n",
    "bools": "b\ntrue\nFALSE\n\n",
    "ragged": "a,b,c\n1,2\n1,2,3,4\n",
    "big-numbers": "a\n18446744073709551616\n0.1234567890123456789\n1e400\n",
    "tab": "a\tb\n1\t2\n",
    "open-quote": 'a,b\n"never closed,1\n2,3\n',
    "no-header": "1,2\n3,4\n",
    "one-column": "a\n\n1\n\n",
    "duplicates": "a,a,\n1,2,3\n",
    "nul": "a,b\n\0,1\n",
}
for name, content in CSV.items():
    (HERE / "csv" / name).write_bytes(content.encode())
(HERE / "csv" / "bom").write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
(HERE / "csv" / "utf16").write_bytes("\ufeffa,b\né,漢\n".encode("utf-16-le"))
(HERE / "csv" / "utf16be").write_bytes("\ufeffa,b\né,漢\n".encode("utf-16-be"))
(HERE / "csv" / "broken-utf8").write_bytes(b"a\n\xff\xfe\n\xc3\n")

JSON = {
    "array": '[{"a":1,"b":"x"},{"a":2.5,"c":[1,2,null]}]',
    "lines": '{"a":1}\n{"a":null,"b":{"c":true}}\n\n{"b":{"d":[{}]}}\n',
    "object": '{"a":[1,2],"b":{"c":{"d":"e"}}}',
    "scalars": '1 2 "x" [3] null',
    "numbers": "[0,-0,1e5,1.0,18446744073709551615,-9223372036854775808,1e400,0.1234567890123456789]",
    "times": '{"d":"2026-01-02","t":"2026-01-02T03:04:05Z"}\n{"d":"2026-01-03","t":"2026-01-02T03:04:05.123456+02:00"}',
    "escapes": '{"s":"\\u00e9\\ud83c\\udf81\\n\\"\\\\/","\\u0061":1}',
    "deep": "[" * 40 + "]" * 40,
    "deep-object": '{"a":' * 30 + "1" + "}" * 30,
    "mixed": '{"v":1}{"v":"x"}{"v":[1]}{"v":{"k":2}}',
    "duplicates": '{"a":1,"a":2}',
    "broken": '{"a":1}\n{"a":\n',
    "empty": "",
    "nulls": '{"a":null}\n{"a":[]}\n{"a":[null]}',
    "late": '{"a":1}\n' * 20 + '{"a":1.5,"z":"late"}\n',
    "surrogate": '{"a":"\\ud800"}',
}
for name, content in JSON.items():
    (HERE / "json" / name).write_bytes(content.encode())
(HERE / "json" / "bom").write_bytes(b'\xef\xbb\xbf{"a":1}')
