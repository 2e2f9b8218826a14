/* cells: a template in memory, written anew for each input and changed by SQL. */
#include "cells.h"

#include "lib/arena.h"

#include <assert.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS = 256, RECORD = 5, INTEGER_OCTETS = 8 };

struct cells {
    char folder[64], path[128];
    uint8_t *template;
    size_t size;
    struct {
        char *table, *name;
    } columns[COLUMNS];
    size_t column_count;
    struct cells *next;
};

/* Those made, for the end of the process. */
static struct cells *all;

static void remove_all(void)
{
    for (struct cells *cells = all, *next; cells; cells = next) {
        DIR *folder = opendir(cells->folder);
        for (struct dirent *item; folder && (item = readdir(folder));)
            (void)unlinkat(dirfd(folder), item->d_name, 0);
        if (folder)
            (void)closedir(folder);
        (void)rmdir(cells->folder);
        for (size_t i = 0; i < cells->column_count; i++) {
            free(cells->columns[i].table);
            free(cells->columns[i].name);
        }
        next = cells->next;
        free(cells->template);
        free(cells);
    }
    all = NULL;
}

static void read_template(struct cells *cells)
{
    FILE *file = fopen(cells->path, "rb");
    struct stat status;

    assert(file);
    int known = fstat(fileno(file), &status);
    assert(known == 0);
    cells->size = (size_t)status.st_size;
    cells->template = memory_alloc(cells->size, 1);
    size_t got = fread(cells->template, 1, cells->size, file);
    assert(got == cells->size);
    (void)fclose(file);
}

static sqlite3 *open_file(const struct cells *cells)
{
    sqlite3 *db;
    int code = sqlite3_open_v2(cells->path, &db, SQLITE_OPEN_READWRITE, NULL);

    assert(code == SQLITE_OK);
    // a change need not be one that the schema admits, nor survive the process
    code = sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF", NULL,
                        NULL, NULL);
    assert(code == SQLITE_OK);
    return db;
}

static void list_columns(struct cells *cells)
{
    sqlite3 *db = open_file(cells);
    sqlite3_stmt *rows;
    int code = sqlite3_prepare_v2(
        db,
        "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c"
        " WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite%' ORDER BY s.name, c.cid",
        -1, &rows, NULL);

    assert(code == SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW && cells->column_count < COLUMNS) {
        cells->columns[cells->column_count].table =
            memory_text((const char *)sqlite3_column_text(rows, 0));
        cells->columns[cells->column_count++].name =
            memory_text((const char *)sqlite3_column_text(rows, 1));
    }
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
}

struct cells *cells_new(const char *name, void (*make)(const char *path))
{
    struct cells *cells = memory_alloc(1, sizeof *cells);

    if (!all)
        (void)atexit(remove_all);
    *cells = (struct cells){.folder = "/tmp/altimeter-cells-XXXXXX", .next = all};
    all = cells;
    const char *made = mkdtemp(cells->folder);
    assert(made);
    (void)snprintf(cells->path, sizeof cells->path, "%s/%s", cells->folder, name);
    make(cells->path);

    sqlite3 *db = open_file(cells); // no log beside it: the file is all there is
    int code = sqlite3_exec(db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
    assert(code == SQLITE_OK);
    (void)sqlite3_close(db);
    read_template(cells);
    list_columns(cells);
    return cells;
}

const char *cells_folder(const struct cells *cells)
{
    return cells->folder;
}

const char *cells_path(const struct cells *cells)
{
    return cells->path;
}

static void bind(sqlite3_stmt *change, uint8_t kind, const uint8_t *octets, size_t length)
{
    int64_t integer = 0;

    for (size_t i = 0; i < length && i < INTEGER_OCTETS; i++)
        integer = (int64_t)((uint64_t)integer << 8 | octets[i]);
    switch (kind % 5) {
    case 0:
        (void)sqlite3_bind_null(change, 1);
        break;
    case 1:
        (void)sqlite3_bind_int64(change, 1, integer);
        break;
    case 2:
        (void)sqlite3_bind_double(change, 1, (double)integer / 3);
        break;
    case 3:
        (void)sqlite3_bind_text(change, 1, (const char *)octets, (int)length, SQLITE_TRANSIENT);
        break;
    default:
        (void)sqlite3_bind_blob(change, 1, octets, (int)length, SQLITE_TRANSIENT);
    }
}

/* Every row that has the column's which-th value gets the new one. */
static void change_cell(sqlite3 *db, const char *table, const char *column, uint8_t which,
                        uint8_t kind, const uint8_t *octets, size_t length)
{
    char sql[512];
    sqlite3_stmt *change;

    (void)snprintf(sql, sizeof sql,
                   "UPDATE \"%s\" SET \"%s\" = ?1 WHERE \"%s\" IS (SELECT \"%s\" FROM \"%s\" ORDER "
                   "BY 1 LIMIT 1 OFFSET ?2)",
                   table, column, column, column, table);
    if (sqlite3_prepare_v2(db, sql, -1, &change, NULL) != SQLITE_OK)
        return;
    bind(change, kind, octets, length);
    (void)sqlite3_bind_int(change, 2, which);
    (void)sqlite3_step(change);
    (void)sqlite3_finalize(change);
}

void cells_set(struct cells *cells, const uint8_t *data, size_t size)
{
    FILE *file = fopen(cells->path, "wb");

    assert(file);
    size_t put = fwrite(cells->template, 1, cells->size, file);
    assert(put == cells->size);
    (void)fclose(file);

    sqlite3 *db = open_file(cells);
    (void)sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    while (size >= RECORD) {
        size_t column = (size_t)(data[0] << 8 | data[1]) % cells->column_count;
        size_t length = data[4] < size - RECORD ? data[4] : size - RECORD;
        change_cell(db, cells->columns[column].table, cells->columns[column].name, data[2], data[3],
                    data + RECORD, length);
        data += RECORD + length;
        size -= RECORD + length;
    }
    (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_close(db);
}
