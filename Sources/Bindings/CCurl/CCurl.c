#define _GNU_SOURCE
#include "CCurl.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// The macros of the same names would stand in the way.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define FUNCTIONS(F) \
    F(curl_global_init) F(curl_version_info) F(curl_easy_init) F(curl_easy_cleanup) F(curl_easy_setopt) \
    F(curl_easy_getinfo) F(curl_easy_strerror) F(curl_easy_pause) F(curl_slist_append) F(curl_slist_free_all) \
    F(curl_multi_init) F(curl_multi_cleanup) F(curl_multi_setopt) F(curl_multi_perform) F(curl_multi_poll) \
    F(curl_multi_wakeup) F(curl_multi_info_read) F(curl_multi_add_handle) F(curl_multi_remove_handle)

static struct {
#define F(name) __typeof__(name) *name;
    FUNCTIONS(F)
#undef F
} lib;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void load(void) {
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        strncpy(failure, why ? why : "libcurl.so.4 cannot be loaded", sizeof failure - 1);
        return;
    }
#define F(name) \
    if (!(lib.name = (__typeof__(name) *)dlsym(handle, #name))) { \
        strncpy(failure, "libcurl.so.4 is too old: it lacks " #name, sizeof failure - 1); \
        return; \
    }
    FUNCTIONS(F)
#undef F
    if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) strncpy(failure, "curl_global_init failed", sizeof failure - 1);
}

const char *sluice_curl_load(void) {
    pthread_once(&once, load);
    return failure[0] ? failure : NULL;
}

const char *sluice_curl_version(void) { return lib.curl_version_info(CURLVERSION_NOW)->version; }

struct sluice_curl_transfer {
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct sluice_curl_callbacks callbacks;
    void *context;
    char error[CURL_ERROR_SIZE];
};

void *sluice_curl_multi_new(long cached_connections) {
    CURLM *multi = lib.curl_multi_init();
    if (!multi) return NULL;
    lib.curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, cached_connections);
    lib.curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    return multi;
}

void sluice_curl_multi_free(void *multi) { lib.curl_multi_cleanup(multi); }

void sluice_curl_multi_perform(void *multi) {
    int running;
    lib.curl_multi_perform(multi, &running);
}

void sluice_curl_multi_wait(void *multi, int milliseconds) { lib.curl_multi_poll(multi, NULL, 0, milliseconds, NULL); }

void sluice_curl_multi_wake(void *multi) { lib.curl_multi_wakeup(multi); }

static enum sluice_curl_end end_of(CURLcode code) {
    switch (code) {
        case CURLE_OK: return SLUICE_CURL_DONE;
        case CURLE_COULDNT_RESOLVE_HOST: return SLUICE_CURL_NO_HOST;
        case CURLE_COULDNT_RESOLVE_PROXY: return SLUICE_CURL_NO_PROXY_HOST;
        case CURLE_COULDNT_CONNECT: return SLUICE_CURL_NO_CONNECTION;
        case CURLE_PROXY: return SLUICE_CURL_PROXY_REFUSED;
        case CURLE_OPERATION_TIMEDOUT: return SLUICE_CURL_TIMED_OUT;
        case CURLE_SSL_CONNECT_ERROR: return SLUICE_CURL_TLS_FAILED;
        case CURLE_PEER_FAILED_VERIFICATION: case CURLE_SSL_ISSUER_ERROR: case CURLE_SSL_INVALIDCERTSTATUS:
            return SLUICE_CURL_NOT_TRUSTED;
        case CURLE_SSL_CACERT_BADFILE: return SLUICE_CURL_BAD_CA_FILE;
        case CURLE_SEND_ERROR: return SLUICE_CURL_SEND_FAILED;
        case CURLE_RECV_ERROR: return SLUICE_CURL_RECEIVE_FAILED;
        case CURLE_GOT_NOTHING: return SLUICE_CURL_NO_ANSWER;
        case CURLE_PARTIAL_FILE: case CURLE_HTTP2: case CURLE_HTTP2_STREAM: return SLUICE_CURL_CUT;
        case CURLE_WEIRD_SERVER_REPLY: case CURLE_UNSUPPORTED_PROTOCOL: return SLUICE_CURL_BAD_PROTOCOL;
        case CURLE_BAD_CONTENT_ENCODING: return SLUICE_CURL_BAD_CODING;
        case CURLE_SEND_FAIL_REWIND: return SLUICE_CURL_CANNOT_REWIND;
        case CURLE_WRITE_ERROR: case CURLE_READ_ERROR: case CURLE_ABORTED_BY_CALLBACK: return SLUICE_CURL_STOPPED;
        default: return SLUICE_CURL_OTHER;
    }
}

void *sluice_curl_multi_ended(void *multi, struct sluice_curl_transfer **transfer, struct sluice_curl_outcome *outcome) {
    int left;
    CURLMsg *message;
    while ((message = lib.curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        char *private = NULL;
        lib.curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        struct sluice_curl_transfer *ended = (struct sluice_curl_transfer *)private;
        memset(outcome, 0, sizeof *outcome);
        long number = 0;
        outcome->end = end_of(code);
        if (lib.curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK) outcome->system_error = (int)number;
        lib.curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &outcome->verify_result);
        lib.curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &outcome->connections);
        lib.curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &outcome->proxy_status);
        const char *text = ended->error[0] ? ended->error : lib.curl_easy_strerror(code);
        strncpy(outcome->text, text, sizeof outcome->text - 1);
        *transfer = ended;
        return ended->context;
    }
    return NULL;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user) {
    struct sluice_curl_transfer *transfer = user;
    size_t taken = transfer->callbacks.header(transfer->context, (const uint8_t *)bytes, size * count);
    // A count other than the one given means failure.
    return taken == SLUICE_CURL_STOP ? size * count + 1 : taken;
}

static size_t on_received(char *bytes, size_t size, size_t count, void *user) {
    struct sluice_curl_transfer *transfer = user;
    size_t taken = transfer->callbacks.received(transfer->context, (const uint8_t *)bytes, size * count);
    if (taken == SLUICE_CURL_PAUSE) return CURL_WRITEFUNC_PAUSE;
    return taken == SLUICE_CURL_STOP ? size * count + 1 : taken;
}

static size_t on_sending(char *room, size_t size, size_t count, void *user) {
    struct sluice_curl_transfer *transfer = user;
    size_t given = transfer->callbacks.sending(transfer->context, (uint8_t *)room, size * count);
    if (given == SLUICE_CURL_PAUSE) return CURL_READFUNC_PAUSE;
    return given == SLUICE_CURL_STOP ? CURL_READFUNC_ABORT : given;
}

static int on_rewind(void *user, curl_off_t offset, int origin) {
    struct sluice_curl_transfer *transfer = user;
    if (origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
    return transfer->callbacks.rewind(transfer->context, offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int on_starting(void *user, char *remote, char *local, int remote_port, int local_port) {
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    struct sluice_curl_transfer *transfer = user;
    return transfer->callbacks.starting(transfer->context) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/// A connection is not for the programs that this one starts. And one whose packets nobody acknowledges for a minute is
/// dead: without this, transfers over HTTP/2 would go on being sent on it.
static int on_socket(void *user, curl_socket_t socket, curlsocktype purpose) {
    (void)user, (void)purpose;
    unsigned int patience = 60000;
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
    return CURL_SOCKOPT_OK;
}

static void discard(struct sluice_curl_transfer *transfer) {
    if (transfer->easy) lib.curl_easy_cleanup(transfer->easy);
    lib.curl_slist_free_all(transfer->headers);
    lib.curl_slist_free_all(transfer->connect_to);
    free(transfer);
}

struct sluice_curl_transfer *sluice_curl_start(
    void *multi, const struct sluice_curl_request *request, const struct sluice_curl_callbacks *callbacks) {
    struct sluice_curl_transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer) return NULL;
    CURL *easy = transfer->easy = lib.curl_easy_init();
    if (!easy) goto failed;
    transfer->callbacks = *callbacks;
    transfer->context = request->context;
    for (size_t i = 0; i < request->header_count; i++) {
        struct curl_slist *longer = lib.curl_slist_append(transfer->headers, request->headers[i]);
        if (!longer) goto failed;
        transfer->headers = longer;
    }
#define SET(option, value) if (lib.curl_easy_setopt(easy, option, value) != CURLE_OK) goto failed
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    // A path is sent as it was given: it may be signed, and `..` may be part of a name.
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PRIVATE, (char *)transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(CURLOPT_BUFFERSIZE, 256L << 10);
    SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms);
    SET(CURLOPT_PROXY, request->proxy ? request->proxy : "");
    SET(CURLOPT_NOPROXY, request->no_proxy ? request->no_proxy : "");
    if (request->ca_file) {
        SET(CURLOPT_CAINFO, request->ca_file);
        SET(CURLOPT_PROXY_CAINFO, request->ca_file);
        // Without a folder beside the file libcurl parses the file once and not for each connection.
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    if (request->connect_to) {
        if (!(transfer->connect_to = lib.curl_slist_append(NULL, request->connect_to))) goto failed;
        SET(CURLOPT_CONNECT_TO, transfer->connect_to);
    }
    if (request->decodes) SET(CURLOPT_ACCEPT_ENCODING, "");
    if (request->is_fresh) SET(CURLOPT_FRESH_CONNECT, 1L);
    if (request->is_once) SET(CURLOPT_MAXAGE_CONN, 15L);
    if (request->is_head) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (request->has_body) {
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->upload_size);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
        SET(CURLOPT_READFUNCTION, on_sending);
        SET(CURLOPT_READDATA, transfer);
        SET(CURLOPT_SEEKFUNCTION, on_rewind);
        SET(CURLOPT_SEEKDATA, transfer);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_received);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, on_starting);
    SET(CURLOPT_PREREQDATA, transfer);
#undef SET
    if (lib.curl_multi_add_handle(multi, easy) != CURLM_OK) goto failed;
    return transfer;
failed:
    discard(transfer);
    return NULL;
}

void sluice_curl_resume(struct sluice_curl_transfer *transfer) { lib.curl_easy_pause(transfer->easy, CURLPAUSE_CONT); }

void sluice_curl_end(void *multi, struct sluice_curl_transfer *transfer) {
    lib.curl_multi_remove_handle(multi, transfer->easy);
    discard(transfer);
}

void sluice_curl_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int sluice_curl_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
