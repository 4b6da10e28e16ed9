/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: opening and closing the file.
 *
 * The happy path is: the file is locked for this process, it is one of ours and of this version, its tables
 * are those below, and the blocks are read into memory. Possible failure modes are: another process has it
 * (STORE_E_LOCKED); a newer version wrote it (STORE_E_NEWER) or it is no store of ours, and then no byte of
 * it is changed; it is damaged
 * (-EBADMSG), except that lost or damaged blocks are made anew from the surveys.
 */

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/plant.h"

#define APPLICATION_ID 0x63786431 /* "cxd1" */
#define USER_VERSION   3

#define TEXT_OF(_number)  TEXT_OF_(_number)
#define TEXT_OF_(_number) #_number

static const char *const tables[] = {
        "CREATE TABLE survey (seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, source TEXT NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL)",
        "CREATE TABLE block (no INTEGER PRIMARY KEY, last INTEGER NOT NULL, min_ts INTEGER NOT NULL,"
        " max_ts INTEGER NOT NULL, crc INTEGER NOT NULL, bits BLOB NOT NULL)",
        "CREATE TABLE alert (id TEXT PRIMARY KEY, changed INTEGER NOT NULL, is_open INTEGER NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE feed (principal TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
        " crc INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (principal, seq)) WITHOUT ROWID",
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT "
        "ROWID",
        /* since version 2: */
        "CREATE TABLE tally (day INTEGER NOT NULL, scope TEXT NOT NULL, crc INTEGER NOT NULL,"
        " counts BLOB NOT NULL, PRIMARY KEY (day, scope)) WITHOUT ROWID",
        /* since version 3: */
        "CREATE TABLE revised (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, crc INTEGER NOT NULL,"
        " json BLOB NOT NULL, PRIMARY KEY (epoch, seq)) WITHOUT ROWID",
};

/* By version. */
static const size_t n_tables[] = {[1] = 5, [2] = 6, [USER_VERSION] = CX_ARRAY_LEN(tables)};
static const int n_statements[] = {[1] = _SQL_N_VERSION_1, [2] = _SQL_N_VERSION_2, [USER_VERSION] = _SQL_N};

/* --- small queries -------------------------------------------------------------------------------------- */

int sql_execute(StoreSqlite *s, const char *text)
{
        int rc;

        errno = 0;
        rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
        s->os_error = errno;
        return rc == SQLITE_OK ? 0 : sql_fail(s, rc, "prepare the store");
}

/* The first column of the first row, as text and as a number. */
static int query(StoreSqlite *s, const char *text, char ret_text[32], int64_t *ret)
{
        sqlite3_stmt *sql = NULL;
        int rc;

        errno = 0;
        rc = sqlite3_prepare_v2(s->db, text, -1, &sql, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(sql);
        s->os_error = errno;
        if (rc == SQLITE_ROW) {
                const char *value = (const char *)sqlite3_column_text(sql, 0);

                if (sqlite3_errcode(s->db) == SQLITE_NOMEM)
                        rc = SQLITE_NOMEM;
                (void)snprintf(ret_text, 32, "%s", value ? value : "");
                *ret = sqlite3_column_int64(sql, 0);
        }
        (void)sqlite3_finalize(sql);
        return rc == SQLITE_ROW ? 0 : sql_fail(s, rc, "read the store");
}

int sql_query_number(StoreSqlite *s, const char *text, int64_t *ret)
{
        char unused[32];

        return query(s, text, unused, ret);
}

int sql_set(StoreSqlite *s, const char *text, const char *expected)
{
        char got[32];
        int64_t unused;
        int r;

        r = query(s, text, got, &unused);
        if (r < 0)
                return r;
        return strcmp(got, expected) == 0 ? 0 : store_fail(&s->base, -EIO, "%s: got %s", text, got);
}

/* --- the file ------------------------------------------------------------------------------------------- */

/* Ours, of this version: 0. */
static int judge(StoreSqlite *s, uint32_t application_id, uint32_t user_version)
{
        if (application_id != APPLICATION_ID)
                return store_fail(&s->base, -EINVAL, "%s is no store of cxd", s->path);
        if (user_version > USER_VERSION) {
                store_fail(&s->base, STORE_E_NEWER,
                           "%s was written by a newer version (%u, this one knows %d)", s->path, user_version,
                           USER_VERSION);
                return STORE_E_NEWER;
        }
        if (user_version == 0)
                return store_fail(&s->base, -EBADMSG, "%s has no version", s->path);
        return 0;
}

static uint32_t number_at(const unsigned char *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A pipe would be waited for. */
static int check_kind(StoreSqlite *s)
{
        struct stat st;

        if (stat(s->path, &st) < 0)
                return store_fail(&s->base, -errno, "cannot open %s: %s", s->path, strerrordesc_np(errno));
        return S_ISREG(st.st_mode) ? 0 : store_fail(&s->base, -EINVAL, "%s is not a regular file", s->path);
}

/*
 * Looks at the file's header before SQLite does, which would put an empty log beside it. Not where there is a log: the header
 * may be newer in there, so SQLite has to read it (and closing the file here could end another lock of ours).
 */
static int judge_header(StoreSqlite *s)
{
        unsigned char header[100];
        char wal[4096];
        ssize_t n;
        int fd;

        if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", s->path) >= sizeof(wal))
                return store_fail(&s->base, -ENAMETOOLONG, "the path of the store is too long");
        if (access(wal, F_OK) == 0)
                return 0;
        fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return store_fail(&s->base, -errno, "cannot open %s: %s", s->path, strerrordesc_np(errno));
        n = pread(fd, header, sizeof(header), 0);
        (void)close(fd);
        if (n < (ssize_t)sizeof(header) || memcmp(header, "SQLite format 3", 16) != 0 ||
            (number_at(header + 68) == 0 && number_at(header + 60) == 0))
                return 0; /* perhaps new, or for SQLite to complain about */
        return judge(s, number_at(header + 68), number_at(header + 60));
}

/* Makes the file if it is not there, readable by nobody else. */
static int make_file(StoreSqlite *s)
{
        int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);

        if (fd >= 0) {
                (void)close(fd);
                return 0;
        }
        if (errno == EEXIST) {
                int r = check_kind(s);

                return r < 0 ? r : judge_header(s);
        }
        return store_fail(&s->base, -errno, "cannot make %s: %s", s->path, strerrordesc_np(errno));
}

static int connect_file(StoreSqlite *s, const char *name, int flags)
{
        int rc, r;

        rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (!s->db)
                return store_fail(&s->base, -ENOMEM, "no memory to open the store");
        if (rc != SQLITE_OK) {
                int error = sqlite3_system_errno(s->db);

                return (rc & 0xff) == SQLITE_CANTOPEN && error > 0
                               ? store_fail(&s->base, -error, "cannot open %s: %s", s->path,
                                            strerrordesc_np(error))
                               : sql_fail(s, rc, "open the store");
        }
        log_watch(s);
        r = sql_add_given(s);
        if (r < 0)
                return r;
        rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return rc == SQLITE_OK ? 0 : sql_fail(s, rc, "open the store");
}

static int lock_file(StoreSqlite *s)
{
        if (sqlite3_db_readonly(s->db, "main"))
                return store_fail(&s->base, -EACCES, "%s may not be written", s->path);
        return sql_set(s, "PRAGMA locking_mode=EXCLUSIVE", "exclusive");
}

/* --- tables --------------------------------------------------------------------------------------------- */

static int prepare(StoreSqlite *s)
{
        for (int i = 0; i < n_statements[s->version]; i++) {
                int rc = sqlite3_prepare_v3(s->db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i],
                                            NULL);

                if (rc != SQLITE_OK)
                        return sql_fail(s, rc == SQLITE_ERROR ? SQLITE_CORRUPT : rc, "prepare a statement");
        }
        return 0;
}

static int create_count(StoreSqlite *s, Text key)
{
        return sql_run(s, SQL_PUT_META, "write a count", "tii", key, (int64_t)0, crc_meta(key, 0));
}

/* All of it in one transaction. */
static int create(StoreSqlite *s)
{
        int r;

        r = sql_execute(s, "BEGIN EXCLUSIVE");
        for (size_t i = 0; i < CX_ARRAY_LEN(tables) && r == 0; i++)
                r = sql_execute(s, tables[i]);
        if (r == 0)
                r = sql_execute(s, "PRAGMA application_id=" TEXT_OF(APPLICATION_ID));
        if (r == 0)
                r = sql_execute(s, "PRAGMA user_version=" TEXT_OF(USER_VERSION));
        if (r == 0)
                r = prepare(s);
        if (r == 0)
                r = create_count(s, TEXT("blocks"));
        if (r == 0)
                r = create_count(s, TEXT("alerts"));
        if (r == 0)
                r = create_count(s, TEXT("feeds"));
        if (r == 0)
                r = create_count(s, TEXT("tallies"));
        if (r == 0)
                r = create_count(s, TEXT("revised"));
        return r == 0 ? sql_step(s, SQL_COMMIT, "make the store") : r;
}

/* What came with later versions is added. All of it in one transaction: the file is of one version or the other. */
static int migrate(StoreSqlite *s)
{
        int r, from = s->version;

        r = sql_execute(s, "BEGIN EXCLUSIVE");
        for (size_t i = n_tables[s->version]; i < CX_ARRAY_LEN(tables) && r == 0; i++)
                r = sql_execute(s, tables[i]);
        if (r == 0)
                r = sql_execute(s, "PRAGMA user_version=" TEXT_OF(USER_VERSION));
        s->version = USER_VERSION;
        if (r == 0)
                r = prepare(s);
        if (r == 0 && from < 2)
                r = create_count(s, TEXT("tallies"));
        if (r == 0)
                r = create_count(s, TEXT("revised"));
        return r == 0 ? sql_step(s, SQL_COMMIT, "bring the store to this version") : r;
}

/* The definitions of the tables have no checksum; they must be word for word what their version writes. */
static int check_tables(StoreSqlite *s)
{
        size_t n = 0, n_expected = n_tables[s->version];
        sqlite3_stmt *sql = NULL;
        int rc;

        rc = sqlite3_prepare_v2(s->db, "SELECT sql FROM sqlite_schema ORDER BY rowid", -1, &sql, NULL);
        if (rc != SQLITE_OK)
                return sql_fail(s, rc, "read the tables");
        while ((rc = sqlite3_step(sql)) == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(sql, 0);

                if (n == n_expected || !text || strcmp(text, tables[n]) != 0)
                        break;
                n++;
        }
        (void)sqlite3_finalize(sql);
        if (rc != SQLITE_DONE && rc != SQLITE_ROW)
                return sql_fail(s, rc, "read the tables");
        if (rc == SQLITE_ROW || n != n_expected)
                return sqlite3_errcode(s->db) == SQLITE_NOMEM
                               ? store_fail(&s->base, -ENOMEM, "no memory to read the tables")
                               : store_fail(&s->base, -EBADMSG, "%s has damaged definitions of tables",
                                            s->path);
        return 0;
}

/* --- open and close ------------------------------------------------------------------------------------- */

/* Finds the version; *ret_fresh: there is nothing in the file yet. */
static int find_version(StoreSqlite *s, bool *ret_fresh)
{
        int64_t application_id = 0, user_version = 0, n_schema = 0;
        int r;

        r = sql_query_number(s, "PRAGMA application_id", &application_id);
        if (r == 0)
                r = sql_query_number(s, "PRAGMA user_version", &user_version);
        if (r == 0)
                r = sql_query_number(s, "SELECT count(*) FROM sqlite_schema", &n_schema);
        if (r < 0)
                return r;
        *ret_fresh = application_id == 0 && user_version == 0 && n_schema == 0;
        s->version = *ret_fresh ? USER_VERSION : (int)user_version;
        return *ret_fresh ? 0 : judge(s, (uint32_t)application_id, (uint32_t)user_version);
}

static int settle(StoreSqlite *s)
{
        bool fresh;
        int r;

        r = find_version(s, &fresh);
        if (r != 0)
                return r;
        r = sql_set(s, "PRAGMA journal_mode=WAL", "wal");
        if (r == 0)
                r = sql_execute(
                        s, "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON");
        /* In KiB. Surveys are appended and hardly ever read again, so that more would hold nothing that is wanted. */
        if (r == 0)
                r = sql_execute(s, "PRAGMA cache_size=-512");
        if (r == 0 && PLANTED("synchronous-off"))
                r = sql_execute(s, "PRAGMA synchronous=OFF");
        if (r == 0)
                r = sql_set(s, "PRAGMA secure_delete=ON", "1");
        if (r == 0)
                r = fresh ? create(s) : check_tables(s);
        if (r == 0 && !fresh)
                r = s->version < USER_VERSION ? migrate(s) : prepare(s);
        if (r == 0)
                r = sqlite_load_blocks(s);
        return r == 0 ? sqlite_load_counts(s) : r;
}

static int open_file(StoreSqlite *s)
{
        int r;

        r = make_file(s);
        if (r == 0)
                r = log_check_access(s);
        if (r == 0)
                r = connect_file(s, s->path, SQLITE_OPEN_READWRITE);
        if (r == 0)
                r = lock_file(s);
        if (r == 0)
                r = settle(s);
        if (r == 0) {
                s->is_open = true;
                r = log_keep(s);
        }
        if (r == -EBUSY) {
                store_fail(&s->base, r, "%s is in use by another process", s->path);
                return STORE_E_LOCKED;
        }
        return r;
}

int store_open_sqlite(Store **ret, const char *path, StoreDamageFn damaged, void *user, char *error,
                      size_t size)
{
        StoreSqlite *s = calloc(1, sizeof(*s));
        int r = -ENOMEM;

        if (s) {
                s->base.verbs = &store_sqlite_verbs;
                s->oldest_feed = INT64_MIN;
                s->oldest_tally = INT32_MIN;
                s->damaged = damaged;
                s->damaged_user = user;
                /* A relative path that looks like a URI or ":memory:" is still the name of a file. */
                if (asprintf(&s->path, "%s%s", path[0] == '/' ? "" : "./", path) < 0)
                        s->path = NULL;
                else
                        r = open_file(s);
        }
        if (r != 0 && size)
                (void)snprintf(error, size, "%s",
                               s && s->base.error[0] ? s->base.error : strerrordesc_np(ENOMEM));
        if (r == 0)
                *ret = &s->base;
        else if (s)
                sqlite_close(&s->base);
        return r;
}

/* A file that nobody has open has no log beside it; SQLite need not lock it then, and the folder may be read-only. */
static int connect_to_read(StoreSqlite *s)
{
        char wal[4096];
        char *uri = NULL, *to;
        int r;

        if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", s->path) >= sizeof(wal))
                return store_fail(&s->base, -ENAMETOOLONG, "the path of the store is too long");
        if (access(s->path, R_OK) < 0)
                return store_fail(&s->base, -errno, "cannot open %s: %s", s->path, strerrordesc_np(errno));
        if (access(wal, F_OK) == 0) {
                r = connect_file(s, s->path, SQLITE_OPEN_READWRITE);
                return r < 0 ? r : lock_file(s);
        }
        uri = malloc(3 * strlen(s->path) + sizeof("file:?immutable=1"));
        if (!uri)
                return store_fail(&s->base, -ENOMEM, "no memory to open the store");
        to = stpcpy(uri, "file:");
        for (const char *p = s->path; *p; p++)
                to += *p == '%' || *p == '?' || *p == '#' ? sprintf(to, "%%%02x", *p) : sprintf(to, "%c", *p);
        (void)stpcpy(to, "?immutable=1");
        r = connect_file(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        free(uri);
        return r;
}

int sqlite_open_to_read(StoreSqlite *s, const char *path)
{
        bool fresh = false;
        int r;

        s->read_only = true;
        s->base.verbs = &store_sqlite_verbs;
        if (asprintf(&s->path, "%s%s", path[0] == '/' ? "" : "./", path) < 0) {
                s->path = NULL;
                return store_fail(&s->base, -ENOMEM, "no memory to open the store");
        }
        r = check_kind(s);
        if (r == 0)
                r = connect_to_read(s);
        if (r == 0)
                r = sql_execute(s,
                                "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON");
        if (r == 0)
                r = find_version(s, &fresh);
        if (r == 0 && fresh)
                r = store_fail(&s->base, -EINVAL, "%s is no store of cxd", s->path);
        if (r == 0)
                r = check_tables(s);
        if (r == 0)
                r = prepare(s);
        if (r == 0)
                r = sqlite_load_blocks(s);
        if (r == 0)
                r = sqlite_load_counts(s);
        if (r == -EBUSY) {
                store_fail(&s->base, r, "%s is in use by another process", s->path);
                return STORE_E_LOCKED;
        }
        return r;
}

/* The log goes into the file, and away; but not after an error, when nothing may be written. */
static void empty_log(StoreSqlite *s)
{
        (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        /* Not sooner: statements are made anew after it, and a rollback must need no memory. */
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void sqlite_close(Store *base)
{
        StoreSqlite *s = store_sqlite(base);

        sqlite_copy_end(base);
        for (int i = 0; i < _SQL_N; i++)
                (void)sqlite3_finalize(s->sql[i]);
        if (s->is_open && !s->broken)
                empty_log(s);
        (void)sqlite3_close(s->db);
        blocks_deinit(&s->blocks);
        sql_damage_free(s);
        free(s->path);
        free(s);
}
