#include "CPq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// The functions that are used: what they return, their names, what they take, and how that is passed on. Each is defined
// here under its own name and passed on to libpq.
#define FUNCTIONS(F)                                                                                                    \
    F(int, PQcancel, (PGcancel *a, char *b, int c), (a, b, c))                                                          \
    F(void, PQclear, (PGresult *a), (a))                                                                                \
    F(char *, PQcmdTuples, (PGresult *a), (a))                                                                          \
    F(PGconn *, PQconnectdbParams, (const char *const *a, const char *const *b, int c), (a, b, c))                      \
    F(int, PQconsumeInput, (PGconn *a), (a))                                                                            \
    F(PGresult *, PQdescribePrepared, (PGconn *a, const char *b), (a, b))                                               \
    F(char *, PQencryptPasswordConn, (PGconn *a, const char *b, const char *c, const char *d), (a, b, c, d))            \
    F(char *, PQerrorMessage, (const PGconn *a), (a))                                                                   \
    F(PGresult *, PQexec, (PGconn *a, const char *b), (a, b))                                                           \
    F(PGresult *, PQexecParams,                                                                                         \
      (PGconn *a, const char *b, int c, const Oid *d, const char *const *e, const int *f, const int *g, int h),         \
      (a, b, c, d, e, f, g, h))                                                                                         \
    F(void, PQfinish, (PGconn *a), (a))                                                                                 \
    F(int, PQfmod, (const PGresult *a, int b), (a, b))                                                                  \
    F(char *, PQfname, (const PGresult *a, int b), (a, b))                                                              \
    F(void, PQfreeCancel, (PGcancel *a), (a))                                                                           \
    F(void, PQfreemem, (void *a), (a))                                                                                  \
    F(Oid, PQftype, (const PGresult *a, int b), (a, b))                                                                 \
    F(PGcancel *, PQgetCancel, (PGconn *a), (a))                                                                        \
    F(int, PQgetCopyData, (PGconn *a, char **b, int c), (a, b, c))                                                      \
    F(PGresult *, PQgetResult, (PGconn *a), (a))                                                                        \
    F(int, PQgetisnull, (const PGresult *a, int b, int c), (a, b, c))                                                   \
    F(char *, PQgetvalue, (const PGresult *a, int b, int c), (a, b, c))                                                 \
    F(int, PQnfields, (const PGresult *a), (a))                                                                         \
    F(int, PQntuples, (const PGresult *a), (a))                                                                         \
    F(PGresult *, PQprepare, (PGconn *a, const char *b, const char *c, int d, const Oid *e), (a, b, c, d, e))           \
    F(int, PQputCopyData, (PGconn *a, const char *b, int c), (a, b, c))                                                 \
    F(int, PQputCopyEnd, (PGconn *a, const char *b), (a, b))                                                            \
    F(char *, PQresultErrorField, (const PGresult *a, int b), (a, b))                                                   \
    F(ExecStatusType, PQresultStatus, (const PGresult *a), (a))                                                         \
    F(PQnoticeProcessor, PQsetNoticeProcessor, (PGconn *a, PQnoticeProcessor b, void *c), (a, b, c))                    \
    F(ConnStatusType, PQstatus, (const PGconn *a), (a))

static struct {
#define POINTER(type, name, taken, passed) type(*name) taken;
    FUNCTIONS(POINTER)
} pq;

static const char *failure;

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        failure = dlerror();
        if (!failure) failure = "libpq.so.5 cannot be loaded";
        return;
    }
#define FIND(type, name, taken, passed)                                                                                 \
    if (!(pq.name = (type(*) taken)dlsym(library, #name))) failure = "libpq.so.5 lacks " #name;
    FUNCTIONS(FIND)
}

const char *sluice_pq_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return failure;
}

#define FORWARD(type, name, taken, passed)                                                                              \
    type name taken { return pq.name passed; }
FUNCTIONS(FORWARD)
