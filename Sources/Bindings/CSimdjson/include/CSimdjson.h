#ifndef SLUICE_SIMDJSON_H
#define SLUICE_SIMDJSON_H
// JSON text ↔ typed column buffers, with a plain C face.
//
// simdjson's first stage finds the tokens of a chunk (with AVX-512, AVX2, SSE or NEON, whatever the machine has) and
// checks its UTF-8; a walk over the tokens then puts the values of every record straight into column buffers, as a plan
// says, or into a tree that tells what the values are. A call handles a whole chunk; nothing is called per value.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How many zero bytes must be readable behind the JSON text handed to the parser.
int sluice_json_padding(void);

// MARK: - Cutting a stream between records

/// Where a scan over a stream stands: brackets open, inside a string or not. Zero it, then set what is wanted.
typedef struct {
    /// How many brackets are open.
    int64_t depth;
    /// All ones inside a string.
    uint64_t in_string;
    /// 1 when a backslash stands before the next byte.
    uint64_t escaped;
    /// How many brackets are open around a record: 0 for records one after the other, 1 inside an array.
    int32_t record_depth;
    /// 1 once the array around the records has ended.
    int32_t ended;
} sluice_json_cutter;

/// Scans `length` bytes. Returns where the last record known to be over ends (its comma, or behind its last byte),
/// or -1. When the array around the records ends, scanning stops, `ended` is set, and where its bracket is comes back.
int64_t sluice_json_cut(sluice_json_cutter *cutter, const uint8_t *text, size_t length);

// MARK: - What can go wrong

enum {
    SLUICE_JSON_OK = 0,
    SLUICE_JSON_UTF8 = 1,
    SLUICE_JSON_UNCLOSED_STRING = 2,
    SLUICE_JSON_CONTROL = 3,
    SLUICE_JSON_TRUNCATED = 4,
    SLUICE_JSON_UNEXPECTED = 5,
    SLUICE_JSON_NUMBER = 6,
    SLUICE_JSON_ESCAPE = 7,
    SLUICE_JSON_SURROGATE = 8,
    SLUICE_JSON_DEPTH = 9,
    SLUICE_JSON_DUPLICATE = 10,
    SLUICE_JSON_MISMATCH = 11,
    SLUICE_JSON_REQUIRED = 12,
    SLUICE_JSON_UNKNOWN_KEY = 13,
    SLUICE_JSON_MEMORY = 14,
    SLUICE_JSON_TOO_MANY_FIELDS = 15,
    SLUICE_JSON_TOO_LARGE = 16,
    /// Not a failure: so many missing values had to be filled in that the columns should be taken before going on at
    /// `offset`. Without this, a few bytes of `{}` could ask for any amount of memory.
    SLUICE_JSON_PARTIAL = 17,
};

/// How a chunk was read: `code` is 0, or the rest says where it failed.
typedef struct {
    int32_t code;
    /// The plan's node at which a value did not fit, or -1.
    int32_t node;
    /// The record within the chunk, from 0.
    int64_t record;
    /// The byte within the chunk.
    int64_t offset;
} sluice_json_status;

// MARK: - Parsing

/// Finds tokens. Not for two threads at once.
typedef struct sluice_json_parser sluice_json_parser;
sluice_json_parser *sluice_json_parser_create(void);
void sluice_json_parser_free(sluice_json_parser *parser);

/// How records of a chunk lie.
typedef struct {
    /// 1 when commas stand between records, 0 when nothing but white space.
    int32_t commas;
    /// How deep values may nest.
    int32_t max_depth;
    /// 0: a key that an object has twice is an error; 1: its first value counts; 2: its last.
    int32_t duplicates;
    /// 1: a key that the plan does not know is an error; 0: it is skipped.
    int32_t unknown_keys;
    /// 1: a plan made by inference: what the plan's types would hide is a mismatch.
    int32_t strict;
    /// How many missing values are filled in before columns are handed over; 0 for no such limit. A single record that
    /// asks for 16 times as many is an error.
    int64_t max_filled;
    /// 1: a record that is malformed becomes one with the tag `BAD`, as far as brackets tell where it ends.
    int32_t keep_bad;
    /// 1: half of a surrogate pair is an error in any string; 0: in those that are unescaped.
    int32_t whole_characters;
} sluice_json_layout;

// MARK: - Projecting values into columns

enum {
    /// Nothing but null.
    SLUICE_JSON_NULL = 0,
    SLUICE_JSON_BOOL = 1,
    /// An integer of `width` bytes within `low` … `high`.
    SLUICE_JSON_INT = 2,
    SLUICE_JSON_UINT = 3,
    /// A float of `width` 4 or 8 bytes.
    SLUICE_JSON_FLOAT = 4,
    /// A 128-bit integer of at most `precision` digits, `scale` of them behind the point.
    SLUICE_JSON_DECIMAL = 5,
    /// Text. Numbers and bools count as their literal, unless strict.
    SLUICE_JSON_TEXT = 6,
    /// A number's literal.
    SLUICE_JSON_NUMBER_TEXT = 7,
    /// Any value's own JSON text.
    SLUICE_JSON_RAW = 8,
    /// An object without keys, as its JSON text.
    SLUICE_JSON_EMPTY_OBJECT = 9,
    /// A structure; its fields are added below it.
    SLUICE_JSON_STRUCT = 10,
    /// A list; its item is added below it.
    SLUICE_JSON_LIST = 11,
    /// A map: an object, or an array of objects with `key` and `value`. A structure of those two is added below it.
    SLUICE_JSON_MAP = 12,
    /// Any value, with its kind as a tag: numbers and bools as 64 bits, all others as bytes.
    SLUICE_JSON_ANY = 13,
    /// Any value, with its kind as a tag, left where it is: where in the text it begins, and in the upper 32 bits how
    /// long it is. Of strings, what is between the quotes, escapes as they are.
    SLUICE_JSON_SPAN = 14,
    /// As a span, but a number that is a whole multiple of 10^-scale and fits is that multiple, with the tag of an integer.
    SLUICE_JSON_FIXED = 15,
};

/// What a value was, for columns with tags.
enum {
    SLUICE_JSON_TAG_MISSING = 0,
    SLUICE_JSON_TAG_NULL = 1,
    SLUICE_JSON_TAG_BOOL = 2,
    SLUICE_JSON_TAG_INT = 3,
    SLUICE_JSON_TAG_UINT = 4,
    SLUICE_JSON_TAG_DOUBLE = 5,
    /// A number beyond 64 bits, or whose literal a double does not tell: its literal is in the bytes.
    SLUICE_JSON_TAG_BIG = 6,
    SLUICE_JSON_TAG_STRING = 7,
    SLUICE_JSON_TAG_ARRAY = 8,
    SLUICE_JSON_TAG_OBJECT = 9,
    /// Of spans: a string with escapes.
    SLUICE_JSON_TAG_ESCAPED = 10,
    /// Of records, when bad ones are kept: one that is malformed.
    SLUICE_JSON_TAG_BAD = 11,
};

enum {
    /// A null or missing value is an error.
    SLUICE_JSON_NOT_NULL = 1,
    /// A tag is kept for every value; a structure or list then takes values of any kind, as null.
    SLUICE_JSON_TAGGED = 2,
    /// The literal of every number is kept, for `SLUICE_JSON_ANY`.
    SLUICE_JSON_LITERALS = 4,
    /// A text column takes strings alone, never the literal of a number or bool.
    SLUICE_JSON_STRINGS_ONLY = 8,
};

/// A node of a plan.
typedef struct {
    int32_t kind;
    int32_t flags;
    int32_t width;
    int32_t precision;
    int32_t scale;
    int64_t low;
    uint64_t high;
} sluice_json_node;

/// What to make of records, and the buffers under construction. Not for two threads at once.
typedef struct sluice_json_plan sluice_json_plan;

/// A plan for records that are objects, or (`wrapped`) values of any kind that become the one field below the root. With
/// `tagged`, records have tags, and may be of any kind.
sluice_json_plan *sluice_json_plan_create(int wrapped, int tagged);
void sluice_json_plan_free(sluice_json_plan *plan);
/// Adds a node below `parent` (0 is the root) and returns its number; -1 when memory is out.
int32_t sluice_json_plan_add(
    sluice_json_plan *plan, int32_t parent, const sluice_json_node *node, const char *name, size_t name_length);

/// Reads the records of `text` (followed by padding) into the plan's buffers.
sluice_json_status sluice_json_project(
    sluice_json_parser *parser, sluice_json_plan *plan, const uint8_t *text, size_t length,
    const sluice_json_layout *layout);

/// Where each record of the text is that was projected last: as spans tell it.
const uint64_t *sluice_json_records(const sluice_json_plan *plan);
/// What was wrong with the bad records of the text that was projected last.
const sluice_json_status *sluice_json_bad(const sluice_json_plan *plan, size_t *count);
/// Writes what the escapes in `length` bytes of a string stand for to `out`, which has room for as many. Returns how long
/// it is, or -1 for escapes that stand for nothing.
int64_t sluice_json_unescape(const uint8_t *text, size_t length, uint8_t *out);

/// Where a record begins in `text`; -1 when it is not there.
int64_t sluice_json_locate(
    sluice_json_parser *parser, const uint8_t *text, size_t length, const sluice_json_layout *layout, int64_t record);

/// One column's buffers, each from `malloc` or null, owned by whoever took them.
typedef struct {
    int64_t count;
    int64_t null_count;
    /// A bit a row; null when no row is null.
    uint8_t *validity;
    /// Fixed-width values (a bool: a bit a row), or the bytes of all values.
    uint8_t *values;
    size_t values_length;
    int32_t *offsets;
    /// A tag a row, of tagged nodes.
    uint8_t *tags;
    /// The bytes and their offsets, of `SLUICE_JSON_ANY`.
    uint8_t *bytes;
    size_t bytes_length;
} sluice_json_column;

/// The buffers of one node, which stay the plan's and are good until its next text. `validity` and `null_count` are not set.
sluice_json_column sluice_json_peek(const sluice_json_plan *plan, int32_t node);
/// Takes the buffers of one node out of the plan. Every node is taken before the next chunk.
sluice_json_column sluice_json_take(sluice_json_plan *plan, int32_t node);
/// Drops what the plan holds.
void sluice_json_plan_clear(sluice_json_plan *plan);

// MARK: - Inference

enum {
    SLUICE_JSON_SAW_NULL = 1,
    SLUICE_JSON_SAW_BOOL = 2,
    /// An integer within 64 bits.
    SLUICE_JSON_SAW_INT = 4,
    /// An integer beyond `int64`, within `uint64`.
    SLUICE_JSON_SAW_UINT = 8,
    /// An integer beyond both.
    SLUICE_JSON_SAW_BIG_INT = 16,
    SLUICE_JSON_SAW_NEGATIVE = 32,
    /// An integer beyond 2⁵³, up to which doubles hold all.
    SLUICE_JSON_SAW_INEXACT_INT = 64,
    SLUICE_JSON_SAW_FLOAT = 128,
    /// A float literal that the nearest double does not tell.
    SLUICE_JSON_SAW_INEXACT_FLOAT = 256,
    SLUICE_JSON_SAW_STRING = 512,
    SLUICE_JSON_SAW_OBJECT = 1024,
    /// An object that had keys.
    SLUICE_JSON_SAW_FIELDS = 2048,
    SLUICE_JSON_SAW_ARRAY = 4096,
    /// Nested too deep, or with too many keys, to be a type.
    SLUICE_JSON_SAW_WILD = 8192,
    /// From here on: bits of the classifier, for strings.
    SLUICE_JSON_SAW_CLASS = 1 << 16,
};

/// What a string looks like: bits to be or-ed together, below 2¹⁶.
typedef uint32_t (*sluice_json_classifier)(const uint8_t *text, size_t length);

/// What the values of some records are.
typedef struct sluice_json_tree sluice_json_tree;
sluice_json_tree *sluice_json_tree_create(void);
void sluice_json_tree_free(sluice_json_tree *tree);

/// How far inference goes.
typedef struct {
    /// Nested deeper than this, values stay JSON.
    int32_t max_type_depth;
    /// Objects with more keys than this stay JSON; for records it is an error.
    int32_t max_fields;
    int32_t max_record_fields;
    /// 1: structures and lists stay JSON.
    int32_t keep_nested_raw;
    /// Tells what strings look like; may be null.
    sluice_json_classifier classify;
    /// The classifier's bits that say that nothing more can be learnt from a string.
    uint32_t settled;
} sluice_json_inference;

/// Adds what the records of `text` (followed by padding) are to `tree`.
sluice_json_status sluice_json_infer(
    sluice_json_parser *parser, sluice_json_tree *tree, const uint8_t *text, size_t length,
    const sluice_json_layout *layout, const sluice_json_inference *inference);

/// Adds what `later` knows to `tree`; keys new to it come behind those it has. Returns a code.
int32_t sluice_json_tree_merge(
    sluice_json_tree *tree, const sluice_json_tree *later, const sluice_json_inference *inference);

/// What is known of one place in the records.
typedef struct {
    uint32_t saw;
    int32_t integer_digits;
    int32_t scale;
    int32_t field_count;
    const char *name;
    size_t name_length;
    /// The node of an array's items, or null.
    const void *item;
} sluice_json_seen;

/// The node of the records themselves.
const void *sluice_json_tree_root(const sluice_json_tree *tree);
sluice_json_seen sluice_json_tree_seen(const void *node);
const void *sluice_json_tree_field(const void *node, int32_t index);

#ifdef __cplusplus
}
#endif
#endif
