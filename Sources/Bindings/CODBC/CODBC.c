#include "CODBC.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

typedef SQLHANDLE H;
typedef SQLSMALLINT S;
typedef SQLUSMALLINT U;
typedef SQLINTEGER I;
typedef SQLWCHAR W;

// What the functions are called behind `SQL`, what they take, and how that is passed on.
#define FUNCTIONS(F)                                                                                                    \
    F(AllocHandle, (S a, H b, H * c), (a, b, c))                                                                        \
    F(BindCol, (H a, U b, S c, void *d, SQLLEN e, SQLLEN *f), (a, b, c, d, e, f))                                       \
    F(BindParameter, (H a, U b, S c, S d, S e, SQLULEN f, S g, void *h, SQLLEN i, SQLLEN *j),                           \
      (a, b, c, d, e, f, g, h, i, j))                                                                                   \
    F(Cancel, (H a), (a))                                                                                               \
    F(ColAttributeW, (H a, U b, U c, void *d, S e, S *f, SQLLEN *g), (a, b, c, d, e, f, g))                             \
    F(ColumnsW, (H a, const W *b, S c, const W *d, S e, const W *f, S g, const W *h, S i), (a, b, c, d, e, f, g, h, i)) \
    F(DescribeColW, (H a, U b, W * c, S d, S * e, S * f, SQLULEN * g, S * h, S * i), (a, b, c, d, e, f, g, h, i))       \
    F(Disconnect, (H a), (a))                                                                                           \
    F(DriverConnectW, (H a, void *b, const W *c, S d, W *e, S f, S *g, U h), (a, b, c, d, e, f, g, h))                  \
    F(DriversW, (H a, U b, W * c, S d, S * e, W * f, S g, S * h), (a, b, c, d, e, f, g, h))                             \
    F(EndTran, (S a, H b, S c), (a, b, c))                                                                              \
    F(ExecDirectW, (H a, const W *b, I c), (a, b, c))                                                                   \
    F(Execute, (H a), (a))                                                                                              \
    F(Fetch, (H a), (a))                                                                                                \
    F(FreeHandle, (S a, H b), (a, b))                                                                                   \
    F(FreeStmt, (H a, U b), (a, b))                                                                                     \
    F(GetData, (H a, U b, S c, void *d, SQLLEN e, SQLLEN *f), (a, b, c, d, e, f))                                       \
    F(GetDiagRecW, (S a, H b, S c, W * d, I * e, W * f, S g, S * h), (a, b, c, d, e, f, g, h))                          \
    F(GetInfoW, (H a, U b, void *c, S d, S *e), (a, b, c, d, e))                                                        \
    F(MoreResults, (H a), (a))                                                                                          \
    F(NumResultCols, (H a, S * b), (a, b))                                                                              \
    F(PrepareW, (H a, const W *b, I c), (a, b, c))                                                                      \
    F(PrimaryKeysW, (H a, const W *b, S c, const W *d, S e, const W *f, S g), (a, b, c, d, e, f, g))                    \
    F(RowCount, (H a, SQLLEN * b), (a, b))                                                                              \
    F(SetConnectAttrW, (H a, I b, void *c, I d), (a, b, c, d))                                                          \
    F(SetEnvAttr, (H a, I b, void *c, I d), (a, b, c, d))                                                               \
    F(SetPos, (H a, SQLULEN b, U c, U d), (a, b, c, d))                                                                 \
    F(SetStmtAttrW, (H a, I b, void *c, I d), (a, b, c, d))                                                             \
    F(TablesW, (H a, const W *b, S c, const W *d, S e, const W *f, S g, const W *h, S i), (a, b, c, d, e, f, g, h, i))

static struct {
#define POINTER(name, taken, passed) SQLRETURN(*name) taken;
    FUNCTIONS(POINTER)
} odbc;

static const char *failure;

static void load(void) {
    void *library = dlopen("libodbc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        failure = dlerror();
        if (!failure) failure = "libodbc.so.2 cannot be loaded";
        return;
    }
#define FIND(name, taken, passed)                                                                                       \
    if (!(odbc.name = (SQLRETURN(*) taken)dlsym(library, "SQL" #name))) failure = "libodbc.so.2 lacks SQL" #name;
    FUNCTIONS(FIND)
}

const char *sluice_odbc_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return failure;
}

#define FORWARD(name, taken, passed)                                                                                    \
    SQLRETURN odbc##name taken { return odbc.name passed; }
FUNCTIONS(FORWARD)

int64_t sluice_utf16_to_utf8(const uint16_t *text, int64_t units, uint8_t *out) {
    uint8_t *start = out;
    const uint16_t *end = text + units;
    while (text < end) {
        // Most text is ASCII: eight units at once, whose high bits are looked at together.
        while (end - text >= 8) {
            uint64_t a, b;
            memcpy(&a, text, 8);
            memcpy(&b, text + 4, 8);
            if ((a | b) & 0xff80ff80ff80ff80u) break;
            a = (a | a >> 8) & 0x0000ffff0000ffffu;
            b = (b | b >> 8) & 0x0000ffff0000ffffu;
            uint64_t both = ((a | a >> 16) & 0xffffffffu) | (b | b >> 16) << 32;
            memcpy(out, &both, 8);
            text += 8;
            out += 8;
        }
        if (text == end) break;
        uint32_t c = *text++;
        if (c < 0x80) {
            *out++ = (uint8_t)c;
        } else if (c < 0x800) {
            *out++ = (uint8_t)(0xc0 | c >> 6);
            *out++ = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0xd800 || c > 0xdfff) {
            *out++ = (uint8_t)(0xe0 | c >> 12);
            *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            *out++ = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            if (c > 0xdbff || text == end || (*text & 0xfc00) != 0xdc00) return -1;
            c = 0x10000 + ((c & 0x3ff) << 10 | (*text++ & 0x3ff));
            *out++ = (uint8_t)(0xf0 | c >> 18);
            *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            *out++ = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return out - start;
}

int64_t sluice_utf8_to_utf16(const uint8_t *text, int64_t bytes, uint16_t *out) {
    uint16_t *start = out;
    const uint8_t *end = text + bytes;
    while (text < end) {
        uint32_t c = *text++;
        // A text that is not what it should be is not read beyond its end.
        int64_t left = end - text;
        if (c < 0x80) {
            *out++ = (uint16_t)c;
        } else if (c < 0xe0) {
            if (left < 1) break;
            *out++ = (uint16_t)((c & 0x1f) << 6 | (text[0] & 0x3f));
            text += 1;
        } else if (c < 0xf0) {
            if (left < 2) break;
            *out++ = (uint16_t)((c & 0x0f) << 12 | (text[0] & 0x3f) << 6 | (text[1] & 0x3f));
            text += 2;
        } else {
            if (left < 3) break;
            c = ((c & 0x07) << 18 | (uint32_t)(text[0] & 0x3f) << 12 | (text[1] & 0x3f) << 6 | (text[2] & 0x3f)) - 0x10000;
            *out++ = (uint16_t)(0xd800 | c >> 10);
            *out++ = (uint16_t)(0xdc00 | (c & 0x3ff));
            text += 3;
        }
    }
    return out - start;
}
