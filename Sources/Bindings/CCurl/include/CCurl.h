#ifndef SLUICE_CURL_H
#define SLUICE_CURL_H

// libcurl's multi interface with a plain C face: its own calls take any number of arguments, which Swift cannot make.
//
// The library is loaded by `sluice_curl_load` and not linked: it brings dozens of others with it, and a program that
// sends nothing would pay for them at every start.

#include <stddef.h>
#include <stdint.h>

/// What a transfer ended with.
enum sluice_curl_end {
    SLUICE_CURL_DONE = 0,
    SLUICE_CURL_NO_HOST,          // the name could not be resolved
    SLUICE_CURL_NO_PROXY_HOST,    // the proxy's name could not be resolved
    SLUICE_CURL_NO_CONNECTION,    // nobody accepted the connection
    SLUICE_CURL_PROXY_REFUSED,    // the proxy accepted it and would not go on
    SLUICE_CURL_TIMED_OUT,        // connecting took longer than allowed
    SLUICE_CURL_TLS_FAILED,       // the handshake broke off
    SLUICE_CURL_NOT_TRUSTED,      // the certificate is not one to trust
    SLUICE_CURL_BAD_CA_FILE,      // the file of trusted certificates cannot be used
    SLUICE_CURL_SEND_FAILED,
    SLUICE_CURL_RECEIVE_FAILED,
    SLUICE_CURL_NO_ANSWER,        // the connection was closed before an answer began
    SLUICE_CURL_CUT,              // the connection was closed before the answer's end
    SLUICE_CURL_BAD_PROTOCOL,     // what was received is not HTTP
    SLUICE_CURL_BAD_CODING,       // the compressed body cannot be read
    SLUICE_CURL_CANNOT_REWIND,    // it had to be sent again and could not
    SLUICE_CURL_STOPPED,          // a callback said so
    SLUICE_CURL_OTHER,
};

/// What callbacks answer instead of a count.
#define SLUICE_CURL_PAUSE ((size_t)-1)
#define SLUICE_CURL_STOP ((size_t)-2)

/// What a transfer asks its owner; all of them on the thread that runs the multi handle.
struct sluice_curl_callbacks {
    /// A header line, a status line, or the empty line behind them. Answers `count`, or SLUICE_CURL_STOP.
    size_t (*header)(void *context, const uint8_t *bytes, size_t count);
    /// Bytes of the body. Answers `count`, SLUICE_CURL_PAUSE (the bytes come again) or SLUICE_CURL_STOP.
    size_t (*received)(void *context, const uint8_t *bytes, size_t count);
    /// Fills `room` with bytes to send. Answers how many, 0 at the end, SLUICE_CURL_PAUSE or SLUICE_CURL_STOP.
    size_t (*sending)(void *context, uint8_t *room, size_t size);
    /// Goes back to `position` in the bytes to send. Answers whether that is possible.
    int (*rewind)(void *context, int64_t position);
    /// The connection stands and the request is about to be sent. Answers whether it shall be.
    int (*starting)(void *context);
};

/// A request, as libcurl has to know it. Strings are copied; NULL where there is nothing to say.
struct sluice_curl_request {
    const char *url;
    const char *method;
    const char *proxy;          // "" for none
    const char *no_proxy;
    const char *connect_to;     // host:port:address:port
    const char *ca_file;
    const char *const *headers; // "Name: value"
    size_t header_count;
    int64_t upload_size;        // -1: not known beforehand
    int has_body;
    int is_head;
    int decodes;                // offers to take a compressed body, and decompresses it
    int is_once;                // must not be sent on a connection that has been idle for long
    int is_fresh;               // must be sent on a new connection
    long connect_timeout_ms;
    void *context;
};

/// What is known about a transfer that has ended.
struct sluice_curl_outcome {
    enum sluice_curl_end end;
    int system_error;   // errno of the failed call, where there is one
    long verify_result; // OpenSSL's verdict on the certificate
    long connections;   // how many connections were made for it
    long proxy_status;  // what the proxy answered to CONNECT
    char text[256];     // libcurl's own words
};

struct sluice_curl_transfer;

/// Loads libcurl. NULL, or why it could not be done.
const char *sluice_curl_load(void);
/// libcurl's version, once it is loaded.
const char *sluice_curl_version(void);

/// A multi handle, or NULL.
void *sluice_curl_multi_new(long cached_connections);
void sluice_curl_multi_free(void *multi);
/// Moves all transfers on by what can be done without waiting.
void sluice_curl_multi_perform(void *multi);
/// Waits until something can be done, `sluice_curl_multi_wake` is called, or the time is over.
void sluice_curl_multi_wait(void *multi, int milliseconds);
/// Ends the wait; from any thread.
void sluice_curl_multi_wake(void *multi);
/// The context of a transfer that has ended, or NULL when there is none.
void *sluice_curl_multi_ended(void *multi, struct sluice_curl_transfer **transfer, struct sluice_curl_outcome *outcome);

/// Starts a transfer; NULL when memory is out or an argument cannot be used.
struct sluice_curl_transfer *sluice_curl_start(
    void *multi, const struct sluice_curl_request *request, const struct sluice_curl_callbacks *callbacks);
/// Goes on with both directions after a pause; callbacks may be called from within.
void sluice_curl_resume(struct sluice_curl_transfer *transfer);
/// Ends a transfer, whether or not it is done, and frees it.
void sluice_curl_end(void *multi, struct sluice_curl_transfer *transfer);

/// Names the calling thread in debuggers and `top`.
void sluice_curl_name_thread(const char *name);
/// A file without a place in any folder: its descriptor, or -1 and errno.
int sluice_curl_memory_file(const char *name);

#endif
