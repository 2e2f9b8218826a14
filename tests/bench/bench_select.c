/* Every row that a map is made from, by a bare SELECT whose values are looked at: the least that a program does
 * which reads state.db.
 *
 *     bench_select STATE-DB
 *
 * Does it once, cold, as a process of its own, and prints nothing but the number of rows. */
#include "figures.h"
#include "lib/db.h"
#include "loaded.h"

#include <stddef.h>

static const char *const tables[] = {"peer",    "peer_family", "attributes", "route",
                                     "ls_node", "ls_link",     "ls_prefix"};

/* The sum of what was seen, so that all of it is. */
static uint64_t look_at(sqlite3_stmt *rows, int column)
{
    switch (sqlite3_column_type(rows, column)) {
    case SQLITE_INTEGER:
        return (uint64_t)sqlite3_column_int64(rows, column);
    case SQLITE_FLOAT:
        return (uint64_t)sqlite3_column_double(rows, column);
    case SQLITE_TEXT:
        return sqlite3_column_text(rows, column)[0];
    case SQLITE_BLOB:
        return sqlite3_column_blob(rows, column) ? (uint64_t)sqlite3_column_bytes(rows, column) : 0;
    default:
        return 0;
    }
}

int main(int argc, char **argv)
{
    struct figures_options options = figures_start(argc, argv, "STATE-DB", 1);
    struct error err;
    sqlite3 *db = db_open_kind(options.words[0], DB_READ, &db_state, &err);
    volatile uint64_t seen = 0;
    size_t count = 0;

    for (size_t i = 0; db && i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *rows = NULL;
        char *sql = sqlite3_mprintf("SELECT * FROM %s", tables[i]);
        int step = SQLITE_DONE;

        if (!sql || !db_prepare(db, sql, &rows, &err))
            loaded_fail(options.words[0], sql ? err.text : "no memory");
        for (; (step = sqlite3_step(rows)) == SQLITE_ROW; count++) {
            for (int column = 0; column < sqlite3_column_count(rows); column++)
                seen = seen + look_at(rows, column);
        }
        if (step != SQLITE_DONE && !db_error(db, &err, "reading"))
            loaded_fail(options.words[0], err.text);
        (void)sqlite3_finalize(rows);
        sqlite3_free(sql);
    }
    if (!db)
        loaded_fail(options.words[0], err.text);
    db_close(db);
    figures_print("rows", (double)count, "-");
    return 0;
}
