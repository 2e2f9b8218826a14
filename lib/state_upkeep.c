/* state_upkeep: the WAL's way into the file, and the end of tombstones and sequences.
 *
 * A reader below the floor reads everything again; so the floor is raised first, with the first piece of what
 * goes, and pieces are small enough not to hold up the next change set. */
#include "state_writer_inside.h"

#include <assert.h>

enum {
    KEEP_SEQUENCES = 1000, // a reader that slept less can always follow
    PRUNE_ROWS = 50000,    // tombstones in one go: a tenth of a second
};
static const int64_t prune_every_us = 60 * INT64_C(1000000);

void writer_checkpoint(struct state_writer *writer)
{
    // PASSIVE does what it can without waiting for readers; what remains is for the next time
    (void)sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* The highest sequence from which a reader need not be able to follow any more. */
static bool find_floor(struct state_writer *writer, int64_t now_us, uint64_t *out,
                       struct error *err)
{
    uint64_t floor = writer->sequence > KEEP_SEQUENCES ? writer->sequence - KEEP_SEQUENCES : 0;
    sqlite3_stmt *query = writer->statements[FIND_YOUNG];

    writer_bind(writer, FIND_YOUNG, 1, now_us - writer->keep_tombstones_us);
    int step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        uint64_t young = (uint64_t)sqlite3_column_int64(query, 0);
        if (young - 1 < floor)
            floor = young - 1;
    }
    bool ok = step == SQLITE_ROW || step == SQLITE_DONE || db_error(writer->db, err, "pruning");
    (void)sqlite3_reset(query);
    *out = floor > writer->floor ? floor : writer->floor;
    return ok;
}

/* One piece of the pruning; *is_done: nothing is left to prune. */
static bool prune(struct state_writer *writer, uint64_t floor, bool *is_done, struct error *err)
{
    if (!db_exec(writer->db, "BEGIN IMMEDIATE", err))
        return false;
    writer_bind(writer, PUT_FLOOR, 1, (int64_t)floor);
    writer_bind(writer, PRUNE_SEQUENCES, 1, (int64_t)floor);
    writer_bind(writer, PRUNE_TOMBSTONES, 1, (int64_t)floor);
    writer_bind(writer, PRUNE_TOMBSTONES, 2, PRUNE_ROWS);
    bool ok = writer_run(writer, PUT_FLOOR, err) && writer_run(writer, PRUNE_SEQUENCES, err) &&
              writer_run(writer, PRUNE_TOMBSTONES, err);
    uint64_t pruned = ok ? (uint64_t)sqlite3_changes(writer->db) : 0;
    ok = ok && db_exec(writer->db, "COMMIT", err);
    if (ok) {
        writer->floor = floor;
        writer->tombstones -= pruned;
        *is_done = pruned < PRUNE_ROWS;
    } else if (!sqlite3_get_autocommit(writer->db)) {
        struct error ignored;
        (void)db_exec(writer->db, "ROLLBACK", &ignored);
    }
    return ok || error_in(err, "pruning");
}

bool state_maintain(struct state_writer *writer, int64_t now_us, struct error *err)
{
    uint64_t floor = 0;
    bool is_done = true;

    assert(!writer->is_open);
    if (!writer->is_loaded && !writer_load(writer, err))
        return false;
    if (writer->pruned_us == 0 || now_us < writer->pruned_us ||
        now_us - writer->pruned_us >= prune_every_us) {
        if (!find_floor(writer, now_us, &floor, err) ||
            ((floor > writer->floor || writer->pruned_us == 0) &&
             !prune(writer, floor, &is_done, err)))
            return false;
        writer->pruned_us = is_done ? now_us : 0;
    }
    writer_checkpoint(writer);
    return true;
}
