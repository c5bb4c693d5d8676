#ifndef SLUICE_MICROHTTPD_H
#define SLUICE_MICROHTTPD_H

// libmicrohttpd with a plain C face: its calls take any number of arguments, which Swift cannot make.
//
// The library is loaded when the first server starts, and not with the program: it brings a TLS library with it, and
// most commands serve nothing.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What the library calls. `request` is what `begin` returned; all of them are called on threads of the library.
typedef struct sluice_http_callbacks {
    void *context;
    // A connection was accepted (`begins`), or is closed.
    void (*connection)(void *context, void *connection, int begins);
    // A request line was read; the answer is this request's `request`.
    void *(*begin)(void *context, void *connection, const char *target);
    // The headers are there, then bytes of the body (take them all, and set `size` to 0), then the end. 0 closes the
    // connection without an answer.
    int (*access)(void *context, void *connection, const char *method, const char *version, const char *bytes,
                  size_t *size, void *request);
    // The answer is sent, or never will be.
    void (*completed)(void *context, void *connection, void *request, int succeeded);
} sluice_http_callbacks;

typedef struct sluice_http_options {
    int listener;  // a socket that listens; closed by whoever opened it
    unsigned int threads;
    unsigned int connections;
    unsigned int idle_seconds;
    size_t memory;  // for each connection: the headers, and a run of the body
    const char *certificate;  // PEM, or NULL; stays where it is while the server runs
    const char *key;
    sluice_http_callbacks callbacks;
} sluice_http_options;

// Loads the library; NULL, or what the loader said.
const char *sluice_http_load(void);

// Starts a server; NULL when the library refuses. `options` must stay where it is while the server runs.
void *sluice_http_start(const sluice_http_options *options);
// No further connections are accepted.
void sluice_http_quiesce(void *server);
// Closes all connections, none of which may be suspended, and waits for the threads.
void sluice_http_stop(void *server);

void sluice_http_suspend(void *connection);
void sluice_http_resume(void *connection);
int sluice_http_socket(void *connection);
// Each header of the request: its name and value with their lengths.
void sluice_http_headers(void *connection, void *context,
                         void (*each)(void *context, const char *name, size_t name_size, const char *value,
                                      size_t value_size));

// Answers. `SLUICE_HTTP_UNKNOWN` is the size of a body whose end nobody knows yet.
#define SLUICE_HTTP_UNKNOWN UINT64_MAX
#define SLUICE_HTTP_END ((ssize_t)-1)
#define SLUICE_HTTP_BROKEN ((ssize_t)-2)
void *sluice_http_bytes(const void *bytes, size_t count, void (*release)(void *), void *owner);
// The descriptor is closed with the answer.
void *sluice_http_file(int descriptor, uint64_t offset, uint64_t size);
// `read` copies bytes to `target`; 0 with the connection suspended when there are none yet.
void *sluice_http_stream(uint64_t size, size_t block,
                         ssize_t (*read)(void *owner, uint64_t position, char *target, size_t room),
                         void (*release)(void *), void *owner);
// 0 when the library refuses the header.
int sluice_http_header(void *answer, const char *name, const char *value);
// Sends the answer and lets go of it; 0 when the library refuses.
int sluice_http_send(void *connection, unsigned int status, void *answer);
// Lets go of an answer that is not sent.
void sluice_http_discard(void *answer);

#endif
