#pragma once

// libpq, loaded when the first session is opened and not before: with it come TLS, Kerberos and LDAP, two dozen libraries
// whose loading takes longer than all else at the start of a program that most often talks to no database.

#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif

/// Loads libpq, once. Returns null when it is there, or else why it is not. Nothing else here may be called before.
const char *sluice_pq_load(void);
