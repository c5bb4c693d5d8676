#include <sqlite3.h>

// sqlite3_db_config takes a variable number of arguments, which Swift cannot call.

/// Settings for files that others made: no writing past SQL, no functions hidden in a schema that reach out of it, and no
/// misspelt column name that turns into text.
static inline int sluice_sqlite_harden(sqlite3 *db) {
    int result = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    if (result == SQLITE_OK) result = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
    if (result == SQLITE_OK) result = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
    return result;
}
