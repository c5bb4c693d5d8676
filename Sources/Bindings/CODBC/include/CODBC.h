#pragma once

// unixODBC's driver manager, loaded when the first session is opened and not before. The declarations are our own, so that
// building needs no package; what they say is fixed by the ODBC standard and by the drivers that exist.
//
// Every function carries the name of the standard with `odbc` for `SQL`: under the standard's names, drivers would find
// these functions instead of their own.

#include <stddef.h>
#include <stdint.h>

typedef int16_t SQLRETURN;
typedef int16_t SQLSMALLINT;
typedef uint16_t SQLUSMALLINT;
typedef int32_t SQLINTEGER;
typedef uint32_t SQLUINTEGER;
typedef int64_t SQLLEN;
typedef uint64_t SQLULEN;
typedef uint16_t SQLWCHAR;
typedef void *SQLHANDLE;

enum {
    SQL_SUCCESS = 0, SQL_SUCCESS_WITH_INFO = 1, SQL_NO_DATA = 100, SQL_ERROR = -1, SQL_INVALID_HANDLE = -2,
    SQL_NEED_DATA = 99,

    SQL_NULL_DATA = -1, SQL_NTS = -3, SQL_NO_TOTAL = -4,

    SQL_HANDLE_ENV = 1, SQL_HANDLE_DBC = 2, SQL_HANDLE_STMT = 3,

    SQL_ATTR_ODBC_VERSION = 200, SQL_OV_ODBC3_80 = 380,
    SQL_FETCH_NEXT = 1, SQL_FETCH_FIRST = 2,

    SQL_ATTR_AUTOCOMMIT = 102, SQL_ATTR_LOGIN_TIMEOUT = 103, SQL_ATTR_CONNECTION_TIMEOUT = 113,
    SQL_COPT_SS_BCP = 1219, SQL_COPT_SS_ACCESS_TOKEN = 1256,
    SQL_COMMIT = 0, SQL_ROLLBACK = 1,

    SQL_ATTR_MAX_ROWS = 1, SQL_ATTR_ROW_BIND_TYPE = 5, SQL_ATTR_PARAM_BIND_TYPE = 18, SQL_ATTR_PARAM_STATUS_PTR = 20,
    SQL_ATTR_PARAMS_PROCESSED_PTR = 21, SQL_ATTR_PARAMSET_SIZE = 22, SQL_ATTR_ROW_STATUS_PTR = 25,
    SQL_ATTR_ROWS_FETCHED_PTR = 26, SQL_ATTR_ROW_ARRAY_SIZE = 27,

    SQL_CLOSE = 0, SQL_UNBIND = 2, SQL_RESET_PARAMS = 3,
    SQL_POSITION = 0, SQL_LOCK_NO_CHANGE = 0,
    SQL_ROW_ERROR = 5, SQL_ROW_NOROW = 3,
    SQL_PARAM_INPUT = 1, SQL_PARAM_SUCCESS = 0, SQL_PARAM_SUCCESS_WITH_INFO = 6, SQL_PARAM_UNUSED = 7,

    SQL_DRIVER_NAME = 6, SQL_DRIVER_VER = 7, SQL_SEARCH_PATTERN_ESCAPE = 14, SQL_DATABASE_NAME = 16, SQL_DBMS_NAME = 17,
    SQL_DBMS_VER = 18, SQL_IDENTIFIER_QUOTE_CHAR = 29, SQL_USER_NAME = 47, SQL_DRIVER_HLIB = 76,
    SQL_GETDATA_EXTENSIONS = 81,
    SQL_GD_ANY_COLUMN = 1, SQL_GD_ANY_ORDER = 2, SQL_GD_BLOCK = 4, SQL_GD_BOUND = 8,

    SQL_DESC_UNSIGNED = 8, SQL_DESC_TYPE_NAME = 14, SQL_NO_NULLS = 0,

    SQL_CHAR = 1, SQL_NUMERIC = 2, SQL_DECIMAL = 3, SQL_INTEGER = 4, SQL_SMALLINT = 5, SQL_FLOAT = 6, SQL_REAL = 7,
    SQL_DOUBLE = 8, SQL_VARCHAR = 12, SQL_TYPE_DATE = 91, SQL_TYPE_TIME = 92, SQL_TYPE_TIMESTAMP = 93,
    SQL_LONGVARCHAR = -1, SQL_BINARY = -2, SQL_VARBINARY = -3, SQL_LONGVARBINARY = -4, SQL_BIGINT = -5, SQL_TINYINT = -6,
    SQL_BIT = -7, SQL_WCHAR = -8, SQL_WVARCHAR = -9, SQL_WLONGVARCHAR = -10, SQL_GUID = -11,
    SQL_SS_VARIANT = -150, SQL_SS_UDT = -151, SQL_SS_XML = -152, SQL_SS_TIME2 = -154, SQL_SS_TIMESTAMPOFFSET = -155,
    SQL_OLD_DATE = 9, SQL_OLD_TIME = 10, SQL_OLD_TIMESTAMP = 11,

    SQL_C_CHAR = 1, SQL_C_FLOAT = 7, SQL_C_DOUBLE = 8, SQL_C_TYPE_DATE = 91, SQL_C_TYPE_TIME = 92,
    SQL_C_TYPE_TIMESTAMP = 93, SQL_C_BINARY = -2, SQL_C_BIT = -7, SQL_C_WCHAR = -8, SQL_C_GUID = -11, SQL_C_SSHORT = -15,
    SQL_C_SLONG = -16, SQL_C_USHORT = -17, SQL_C_ULONG = -18, SQL_C_SBIGINT = -25, SQL_C_STINYINT = -26,
    SQL_C_UBIGINT = -27, SQL_C_UTINYINT = -28, SQL_C_SS_TIME2 = 0x4000, SQL_C_SS_TIMESTAMPOFFSET = 0x4001,
};

typedef struct {
    int16_t year;
    uint16_t month, day;
} SQL_DATE_STRUCT;

typedef struct {
    uint16_t hour, minute, second;
} SQL_TIME_STRUCT;

typedef struct {
    int16_t year;
    uint16_t month, day, hour, minute, second;
    uint32_t fraction;
} SQL_TIMESTAMP_STRUCT;

typedef struct {
    uint16_t hour, minute, second;
    uint32_t fraction;
} SQL_SS_TIME2_STRUCT;

typedef struct {
    int16_t year;
    uint16_t month, day, hour, minute, second;
    uint32_t fraction;
    int16_t timezone_hour, timezone_minute;
} SQL_SS_TIMESTAMPOFFSET_STRUCT;

/// Loads the driver manager, once. Returns null when it is there, or else why it is not. Nothing else here may be called
/// before.
const char *sluice_odbc_load(void);

SQLRETURN odbcAllocHandle(SQLSMALLINT, SQLHANDLE, SQLHANDLE *);
SQLRETURN odbcBindCol(SQLHANDLE, SQLUSMALLINT, SQLSMALLINT, void *, SQLLEN, SQLLEN *);
SQLRETURN odbcBindParameter(
    SQLHANDLE, SQLUSMALLINT, SQLSMALLINT, SQLSMALLINT, SQLSMALLINT, SQLULEN, SQLSMALLINT, void *, SQLLEN, SQLLEN *);
SQLRETURN odbcCancel(SQLHANDLE);
SQLRETURN odbcColAttributeW(SQLHANDLE, SQLUSMALLINT, SQLUSMALLINT, void *, SQLSMALLINT, SQLSMALLINT *, SQLLEN *);
SQLRETURN odbcColumnsW(
    SQLHANDLE, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT,
    const SQLWCHAR *, SQLSMALLINT);
SQLRETURN odbcDescribeColW(
    SQLHANDLE, SQLUSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLSMALLINT *, SQLULEN *, SQLSMALLINT *,
    SQLSMALLINT *);
SQLRETURN odbcDisconnect(SQLHANDLE);
SQLRETURN odbcDriverConnectW(
    SQLHANDLE, void *, const SQLWCHAR *, SQLSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLUSMALLINT);
SQLRETURN odbcDriversW(
    SQLHANDLE, SQLUSMALLINT, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *);
SQLRETURN odbcEndTran(SQLSMALLINT, SQLHANDLE, SQLSMALLINT);
SQLRETURN odbcExecDirectW(SQLHANDLE, const SQLWCHAR *, SQLINTEGER);
SQLRETURN odbcExecute(SQLHANDLE);
SQLRETURN odbcFetch(SQLHANDLE);
SQLRETURN odbcFreeHandle(SQLSMALLINT, SQLHANDLE);
SQLRETURN odbcFreeStmt(SQLHANDLE, SQLUSMALLINT);
SQLRETURN odbcGetData(SQLHANDLE, SQLUSMALLINT, SQLSMALLINT, void *, SQLLEN, SQLLEN *);
SQLRETURN odbcGetDiagRecW(
    SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLWCHAR *, SQLINTEGER *, SQLWCHAR *, SQLSMALLINT, SQLSMALLINT *);
SQLRETURN odbcGetInfoW(SQLHANDLE, SQLUSMALLINT, void *, SQLSMALLINT, SQLSMALLINT *);
SQLRETURN odbcMoreResults(SQLHANDLE);
SQLRETURN odbcNumResultCols(SQLHANDLE, SQLSMALLINT *);
SQLRETURN odbcPrepareW(SQLHANDLE, const SQLWCHAR *, SQLINTEGER);
SQLRETURN odbcPrimaryKeysW(
    SQLHANDLE, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT);
SQLRETURN odbcRowCount(SQLHANDLE, SQLLEN *);
SQLRETURN odbcSetConnectAttrW(SQLHANDLE, SQLINTEGER, void *, SQLINTEGER);
SQLRETURN odbcSetEnvAttr(SQLHANDLE, SQLINTEGER, void *, SQLINTEGER);
SQLRETURN odbcSetPos(SQLHANDLE, SQLULEN, SQLUSMALLINT, SQLUSMALLINT);
SQLRETURN odbcSetStmtAttrW(SQLHANDLE, SQLINTEGER, void *, SQLINTEGER);
SQLRETURN odbcTablesW(
    SQLHANDLE, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT, const SQLWCHAR *, SQLSMALLINT,
    const SQLWCHAR *, SQLSMALLINT);

/// Writes UTF-16 as UTF-8 to `out`, which has room for three bytes a unit.
///
/// Returns how many bytes were written, or -1 when half of a surrogate pair stands alone.
int64_t sluice_utf16_to_utf8(const uint16_t *text, int64_t units, uint8_t *out);

// MARK: Bulk copy, which Microsoft's driver exports beside the standard's functions

/// A column of rows that are sent by bulk copy.
typedef struct {
    /// The values: `width` bytes each, or those between two `starts`.
    const uint8_t *cells;
    /// Where each row's value begins, and the last one ends; null for values of one width.
    const int64_t *starts;
    /// 1 where there is no value; null when there are all.
    const uint8_t *nulls;
    /// What is bound to the driver, with room for a value of `width` bytes.
    uint8_t *slot;
    /// The most bytes of a value.
    int64_t room;
    /// The length that the driver knows of now.
    int64_t last;
    int32_t width;
    /// The driver's number for the type of the cells.
    int32_t type;
    /// The column's place in the table, from 1.
    int32_t place;
} sluice_bulk_column;

/// The driver's numbers of types.
enum {
    SLUICE_BCP_BIT = 0x32, SLUICE_BCP_INT1 = 0x30, SLUICE_BCP_INT2 = 0x34, SLUICE_BCP_INT4 = 0x38, SLUICE_BCP_INT8 = 0x7f,
    SLUICE_BCP_FLT4 = 0x3b, SLUICE_BCP_FLT8 = 0x3e, SLUICE_BCP_DECIMAL = 0x6a, SLUICE_BCP_NVARCHAR = 0xe7,
    SLUICE_BCP_VARBINARY = 0xa5, SLUICE_BCP_NTEXT = 0x63, SLUICE_BCP_IMAGE = 0x22, SLUICE_BCP_GUID = 0x24, SLUICE_BCP_DATE = 0x28, SLUICE_BCP_TIME = 0x29,
    SLUICE_BCP_DATETIME2 = 0x2a, SLUICE_BCP_DATETIMEOFFSET = 0x2b,
};

typedef struct {
    uint8_t precision;
    int8_t scale;
    /// 1 for a number that is not negative.
    uint8_t sign;
    uint8_t value[16];
} SQL_NUMERIC_STRUCT;

/// Finds the bulk copy functions of the driver whose file `driver` names, which the driver manager has loaded. Returns null
/// when they are there, or else why they are not. Nothing else of bulk copy may be called before.
const char *sluice_bcp_load(const char *driver);

/// Begins to copy into `table`; 1 when it has begun.
int32_t sluice_bcp_init(SQLHANDLE connection, const SQLWCHAR *table, const char *hints);

/// Tells the driver where a column's value lies; 1 when it knows.
int32_t sluice_bcp_bind(SQLHANDLE connection, sluice_bulk_column *column);

/// Sends rows, and returns how many were sent: fewer than `rows` after a failure.
int64_t sluice_bcp_send(SQLHANDLE connection, sluice_bulk_column *columns, int32_t count, int64_t rows);

/// Ends a batch; returns how many rows the server has taken, or -1.
int64_t sluice_bcp_batch(SQLHANDLE connection);

/// Ends the copy; returns how many rows the server has taken since the last batch, or -1.
int64_t sluice_bcp_done(SQLHANDLE connection);

/// What the driver has to say of a connection after a failed call of bulk copy, of which the driver manager knows nothing.
SQLRETURN sluice_bcp_diagnostic(
    SQLSMALLINT kind, SQLHANDLE connection, SQLSMALLINT record, SQLWCHAR *state, SQLINTEGER *number, SQLWCHAR *text,
    SQLSMALLINT room, SQLSMALLINT *length);

/// Writes UTF-8 as UTF-16 to `out`, which has room for a unit a byte, and returns how many units were written. The text is
/// known to be UTF-8.
int64_t sluice_utf8_to_utf16(const uint8_t *text, int64_t bytes, uint16_t *out);
