#include "CMicrohttpd.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

// Every function of the library that is used, once: its pointer is looked up by this name.
#define FUNCTIONS(each) \
    each(MHD_start_daemon) \
    each(MHD_quiesce_daemon) \
    each(MHD_stop_daemon) \
    each(MHD_suspend_connection) \
    each(MHD_resume_connection) \
    each(MHD_get_connection_info) \
    each(MHD_get_connection_values_n) \
    each(MHD_create_response_from_buffer_with_free_callback_cls) \
    each(MHD_create_response_from_fd_at_offset64) \
    each(MHD_create_response_from_callback) \
    each(MHD_add_response_header) \
    each(MHD_queue_response) \
    each(MHD_destroy_response)

static struct {
#define FIELD(name) __typeof__(&name) name;
    FUNCTIONS(FIELD)
} library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *failure;
static char message[512];

static void load(void) {
    void *handle = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        strncpy(message, reason != NULL ? reason : "libmicrohttpd.so.12 cannot be loaded", sizeof message - 1);
        failure = message;
        return;
    }
#define FIND(name) \
    library.name = (__typeof__(&name))dlsym(handle, #name); \
    if (library.name == NULL) failure = "libmicrohttpd.so.12 has no function " #name;
    FUNCTIONS(FIND)
}

const char *sluice_http_load(void) {
    pthread_once(&once, load);
    return failure;
}

static enum MHD_Result access_handler(void *cls, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *bytes, size_t *size,
                                      void **request) {
    (void)url;
    const sluice_http_callbacks *callbacks = cls;
    return callbacks->access(callbacks->context, connection, method, version, bytes, size, *request) ? MHD_YES : MHD_NO;
}

static void *begin(void *cls, const char *target, struct MHD_Connection *connection) {
    const sluice_http_callbacks *callbacks = cls;
    return callbacks->begin(callbacks->context, connection, target);
}

static void completed(void *cls, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code) {
    const sluice_http_callbacks *callbacks = cls;
    if (*request == NULL) return;
    callbacks->completed(callbacks->context, connection, *request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    *request = NULL;
}

static void notify(void *cls, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode code) {
    (void)socket_context;
    const sluice_http_callbacks *callbacks = cls;
    callbacks->connection(callbacks->context, connection, code == MHD_CONNECTION_NOTIFY_STARTED);
}

// Targets are handed on as they were sent: whoever serves them decides what an escape means.
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text) {
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void say_nothing(void *cls, const char *format, va_list arguments) {
    (void)cls;
    (void)format;
    (void)arguments;
}

void *sluice_http_start(const sluice_http_options *options) {
    void *callbacks = (void *)&options->callbacks;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)&say_nothing, NULL},
        {MHD_OPTION_LISTEN_SOCKET, options->listener, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)options->idle_seconds, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)options->memory, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (intptr_t)(options->memory / 2), NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)&begin, callbacks},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)&completed, callbacks},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)&notify, callbacks},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)&keep_escapes, NULL},
        {MHD_OPTION_END, 0, NULL},  // the number of threads, when there are several
        {MHD_OPTION_END, 0, NULL},  // TLS
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    int next = 11;
    // poll, not epoll: with that the library misses that a client hung up when it hears of it together with data.
    unsigned int flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (options->threads > 1) {
        items[next++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->threads, NULL};
    }
    if (options->certificate != NULL) {
        flags |= MHD_USE_TLS;
        items[next++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)options->certificate};
        items[next++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)options->key};
        items[next++] = (struct MHD_OptionItem){
            MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    }
    return library.MHD_start_daemon(flags, 0, NULL, NULL, &access_handler, callbacks, MHD_OPTION_ARRAY, items,
                                    MHD_OPTION_END);
}

void sluice_http_quiesce(void *server) { library.MHD_quiesce_daemon(server); }
void sluice_http_stop(void *server) { library.MHD_stop_daemon(server); }
void sluice_http_suspend(void *connection) { library.MHD_suspend_connection(connection); }
void sluice_http_resume(void *connection) { library.MHD_resume_connection(connection); }

int sluice_http_socket(void *connection) {
    const union MHD_ConnectionInfo *info =
        library.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

typedef struct header_visit {
    void *context;
    void (*each)(void *context, const char *name, size_t name_size, const char *value, size_t value_size);
} header_visit;

static enum MHD_Result visit(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                             const char *value, size_t value_size) {
    (void)kind;
    const header_visit *visit = cls;
    visit->each(visit->context, name, name_size, value == NULL ? "" : value, value == NULL ? 0 : value_size);
    return MHD_YES;
}

void sluice_http_headers(void *connection, void *context,
                         void (*each)(void *context, const char *name, size_t name_size, const char *value,
                                      size_t value_size)) {
    header_visit all = {context, each};
    library.MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &visit, &all);
}

void *sluice_http_bytes(const void *bytes, size_t count, void (*release)(void *), void *owner) {
    return library.MHD_create_response_from_buffer_with_free_callback_cls(count, (void *)bytes, release, owner);
}

void *sluice_http_file(int descriptor, uint64_t offset, uint64_t size) {
    return library.MHD_create_response_from_fd_at_offset64(size, descriptor, offset);
}

void *sluice_http_stream(uint64_t size, size_t block,
                         ssize_t (*read)(void *owner, uint64_t position, char *target, size_t room),
                         void (*release)(void *), void *owner) {
    return library.MHD_create_response_from_callback(size, block, read, owner, release);
}

int sluice_http_header(void *answer, const char *name, const char *value) {
    return library.MHD_add_response_header(answer, name, value) == MHD_YES;
}

int sluice_http_send(void *connection, unsigned int status, void *answer) {
    int sent = library.MHD_queue_response(connection, status, answer) == MHD_YES;
    library.MHD_destroy_response(answer);
    return sent;
}

void sluice_http_discard(void *answer) { library.MHD_destroy_response(answer); }
