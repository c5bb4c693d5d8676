#define _GNU_SOURCE
#include "CODBC.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

// What the driver exports. Its lengths are 32 bits in some of its headers and 64 in others: handed over as 64 they are
// right for both, and answers are cut to the 32 bits that are always there.
static struct {
    int16_t (*init)(void *, const uint16_t *, const uint16_t *, const uint16_t *, int32_t);
    int16_t (*bind)(void *, const void *, int32_t, int64_t, const void *, int32_t, int32_t, int32_t);
    int16_t (*length)(void *, int64_t, int32_t);
    int16_t (*pointer)(void *, const void *, int32_t);
    int16_t (*row)(void *);
    int16_t (*control)(void *, int32_t, void *);
    int64_t (*batch)(void *);
    int64_t (*done)(void *);
    SQLRETURN (*diagnostic)(
        SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLWCHAR *, SQLINTEGER *, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *);
} calls;

struct search {
    const char *file;
    char *path;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct search *search = data;
    const char *name = strrchr(info->dlpi_name, '/');
    name = name ? name + 1 : info->dlpi_name;
    if (!*name || strcmp(name, search->file)) return 0;
    search->path = strdup(info->dlpi_name);
    return 1;
}

const char *sluice_bcp_load(const char *driver) {
    const char *file = strrchr(driver, '/');
    struct search search = {file ? file + 1 : driver, NULL};
    dl_iterate_phdr(look, &search);
    if (!search.path) return "the driver's library is not found among those that are loaded";
    // It is there: this only counts another user of it, so that it stays as long as the functions are known.
    void *library = dlopen(search.path, RTLD_NOW | RTLD_NOLOAD);
    free(search.path);
    if (!library) return "the driver's library cannot be opened again";
#define FIND(field, name)                                                                                               \
    if (!(*(void **)&calls.field = dlsym(library, name))) return "the driver has no " name;
    FIND(init, "bcp_initW")
    FIND(bind, "bcp_bind")
    FIND(length, "bcp_collen")
    FIND(pointer, "bcp_colptr")
    FIND(row, "bcp_sendrow")
    FIND(control, "bcp_control")
    FIND(batch, "bcp_batch")
    FIND(done, "bcp_done")
    FIND(diagnostic, "SQLGetDiagRecW")
    return NULL;
}

int32_t sluice_bcp_init(SQLHANDLE connection, const SQLWCHAR *table, const char *hints) {
    // DB_IN; no data file and no error file.
    if (calls.init(connection, table, NULL, NULL, 1) != 1) return 0;
    // BCPKEEPNULLS: a null is a null, and not the column's default.
    if (calls.control(connection, 5, (void *)1) != 1) return 0;
    // BCPHINTSA
    return !hints || calls.control(connection, 10, (void *)hints) == 1;
}

int32_t sluice_bcp_bind(SQLHANDLE connection, sluice_bulk_column *column) {
    column->last = column->room;
    return calls.bind(connection, column->slot, 0, column->room, NULL, 0, column->type, column->place) == 1;
}

int64_t sluice_bcp_send(SQLHANDLE connection, sluice_bulk_column *columns, int32_t count, int64_t rows) {
    for (int64_t row = 0; row < rows; row++) {
        for (int32_t i = 0; i < count; i++) {
            sluice_bulk_column *c = columns + i;
            int64_t length = c->room;
            if (c->starts) {
                length = c->starts[row + 1] - c->starts[row];
                if (calls.pointer(connection, c->cells + c->starts[row], c->place) != 1) return row;
            } else {
                memcpy(c->slot, c->cells + row * c->width, (size_t)c->width);
            }
            if (c->nulls && c->nulls[row]) length = SQL_NULL_DATA;
            if (length != c->last) {
                if (calls.length(connection, length, c->place) != 1) return row;
                c->last = length;
            }
        }
        if (calls.row(connection) != 1) return row;
    }
    return rows;
}

int64_t sluice_bcp_batch(SQLHANDLE connection) { return (int32_t)calls.batch(connection); }

int64_t sluice_bcp_done(SQLHANDLE connection) { return (int32_t)calls.done(connection); }

SQLRETURN sluice_bcp_diagnostic(
    SQLSMALLINT kind, SQLHANDLE connection, SQLSMALLINT record, SQLWCHAR *state, SQLINTEGER *number, SQLWCHAR *text,
    SQLSMALLINT room, SQLSMALLINT *length) {
    // SQL_DRIVER_HDBC
    SQLHANDLE own = NULL;
    if (odbcGetInfoW(connection, 3, &own, sizeof own, NULL) != SQL_SUCCESS || !own) return SQL_NO_DATA;
    return calls.diagnostic(kind, own, record, state, number, text, room, length);
}
