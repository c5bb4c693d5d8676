// The bare loop that bulk load is measured against: rows of five columns, made up beforehand, by the same bulk copy calls
// into a table of its own, without anything around them.
//
//     cc -O2 -o bcp Benchmarks/BCP/bcp.c -ldl && SLUICE_TEST_MSSQL='Driver=…;Server=…;…' ./bcp 200000
//
// Prints rows a second.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { int16_t year; uint16_t month, day, hour, minute, second; uint32_t fraction; } Moment;
typedef struct { uint8_t precision; int8_t scale; uint8_t sign, value[16]; } Decimal;
typedef struct { int64_t id; uint16_t text[100]; int text_bytes; double number; Decimal amount; Moment at; } Row;

static char driver[4096];

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    if (strstr(info->dlpi_name, "msodbcsql")) snprintf(driver, sizeof driver, "%s", info->dlpi_name);
    return 0;
}

static void *need(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found) return found;
    fprintf(stderr, "there is no %s\n", name);
    exit(1);
}

static void must(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    const char *string = getenv("SLUICE_TEST_MSSQL");
    if (!string) {
        puts("skipped: SLUICE_TEST_MSSQL is not set");
        return 0;
    }
    int64_t rows = argc > 1 ? atoll(argv[1]) : 200000;
    void *odbc = dlopen("libodbc.so.2", RTLD_NOW);
    must(odbc != NULL, "loading libodbc.so.2");
    int16_t (*alloc)(int16_t, void *, void **) = need(odbc, "SQLAllocHandle");
    int16_t (*set_env)(void *, int32_t, void *, int32_t) = need(odbc, "SQLSetEnvAttr");
    int16_t (*set_connection)(void *, int32_t, void *, int32_t) = need(odbc, "SQLSetConnectAttr");
    int16_t (*connect)(void *, void *, const char *, int16_t, char *, int16_t, int16_t *, uint16_t) =
        need(odbc, "SQLDriverConnect");
    int16_t (*execute)(void *, const char *, int32_t) = need(odbc, "SQLExecDirect");
    int16_t (*release)(int16_t, void *) = need(odbc, "SQLFreeHandle");
    void *environment, *connection, *statement;
    alloc(1, NULL, &environment);
    set_env(environment, 200, (void *)380, 0);
    alloc(2, environment, &connection);
    set_connection(connection, 1219, (void *)1, -5);
    must((connect(connection, NULL, string, -3, NULL, 0, NULL, 0) & ~1) == 0, "connecting");
    alloc(3, connection, &statement);
    must((execute(statement, "DROP TABLE IF EXISTS sluice_bare_loop", -3) & ~1) == 0, "dropping an old table");
    must((execute(statement, "CREATE TABLE sluice_bare_loop (id BIGINT, t NVARCHAR(100), n FLOAT, a DECIMAL(18,4), "
                  "at DATETIME2(6))", -3) & ~1) == 0, "making the table");

    dl_iterate_phdr(look, NULL);
    void *library = dlopen(driver, RTLD_NOW | RTLD_NOLOAD);
    must(library != NULL, "finding Microsoft's driver");
    int16_t (*init)(void *, const uint16_t *, const void *, const void *, int32_t) = need(library, "bcp_initW");
    int16_t (*bind)(void *, const void *, int32_t, int64_t, const void *, int32_t, int32_t, int32_t) =
        need(library, "bcp_bind");
    int16_t (*length)(void *, int64_t, int32_t) = need(library, "bcp_collen");
    int16_t (*control)(void *, int32_t, void *) = need(library, "bcp_control");
    int16_t (*send)(void *) = need(library, "bcp_sendrow");
    int64_t (*batch)(void *) = need(library, "bcp_batch");
    int64_t (*done)(void *) = need(library, "bcp_done");

    Row *all = calloc(rows, sizeof(Row));
    must(all != NULL, "making rows");
    for (int64_t i = 0; i < rows; i++) {
        Row *row = all + i;
        row->id = i;
        int count = 5 + i % 40;
        for (int k = 0; k < count; k++) row->text[k] = 'a' + (i + k) % 26;
        row->text_bytes = i % 10 ? count * 2 : -1;
        row->number = i / 7.0;
        row->amount = (Decimal){18, 4, 1, {0}};
        memcpy(row->amount.value, &i, 8);
        row->at = (Moment){2024, 1 + i % 12, 1 + i % 28, i % 24, i % 60, i % 60, i % 1000000 * 1000};
    }
    double start = now();
    uint16_t name[17];
    for (int i = 0; i < 17; i++) name[i] = "sluice_bare_loop"[i];
    must(init(connection, name, NULL, NULL, 1) == 1, "bcp_init");
    control(connection, 5, (void *)1);
    must(control(connection, 10, "TABLOCK") == 1, "bcp_control");
    Row slot;
    must(bind(connection, &slot.id, 0, 8, NULL, 0, 0x7f, 1) == 1, "bcp_bind");
    must(bind(connection, slot.text, 0, 200, NULL, 0, 0xe7, 2) == 1, "bcp_bind");
    must(bind(connection, &slot.number, 0, 8, NULL, 0, 0x3e, 3) == 1, "bcp_bind");
    must(bind(connection, &slot.amount, 0, 19, NULL, 0, 0x6a, 4) == 1, "bcp_bind");
    must(bind(connection, &slot.at, 0, 16, NULL, 0, 0x2a, 5) == 1, "bcp_bind");
    int64_t taken = 0;
    for (int64_t i = 0; i < rows; i++) {
        slot = all[i];
        must(length(connection, slot.text_bytes, 2) == 1, "bcp_collen");
        must(send(connection) == 1, "bcp_sendrow");
        if (i % 100000 == 99999) taken += (int32_t)batch(connection);
    }
    taken += (int32_t)done(connection);
    must(taken == rows, "taking all rows");
    double seconds = now() - start;
    execute(statement, "DROP TABLE sluice_bare_loop", -3);
    release(3, statement);
    printf("%.0f\n", rows / seconds);
    return 0;
}
