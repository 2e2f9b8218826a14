/* snapshot: one immutable file with a network map, its cost maps and its graph (schemas/snapshot.sql).
 *
 * The writer takes the whole content at once, computes the tags, and makes the file visible in one step:
 * temporary name, fsync, rename, then `current` is swapped. A reader sees the old one or the new one. */
#pragma once

#include "arena.h"
#include "error.h"
#include "hash.h"
#include "prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No cost: the pair is absent from the map (M-213). */
#define SNAPSHOT_NO_COST UINT64_MAX

struct snapshot_pid {
    const char *name, *reason;
    const struct prefix *prefixes; // in the order of prefix_compare
    size_t prefix_count;
    /* Reader: the prefixes of a family as the JSON array that is sent; NULL: it has none. Writer: not
     * looked at. */
    const char *list_ipv4, *list_ipv6;
    const struct snapshot_attachment {
        uint32_t router; // index into routers
        uint64_t cost;
    } * attachments;
    size_t attachment_count;
};

struct snapshot_metric {
    const char *name, *unit;
    const char *alias_of;     // name of the metric that has the costs; NULL: this one
    const char *cost_context; // JSON as sent, or NULL
    /* The costs as text, one row a source: pid_count cells of width characters, right-aligned, blank where
     * absent. NULL for an alias. Width 0: a source without a row. */
    const struct snapshot_row {
        uint32_t width;
        const char *cells; // pid_count * width characters, no NUL
    } * rows;
    uint64_t pairs;
    char tag[HASH_TAG_SIZE]; // reader: filled; writer: computed by it
};

struct snapshot_router {
    const char *key, *name;
    bool overload;
};

struct snapshot_link {
    uint32_t source, destination; // indexes into routers
    uint8_t protocol;
    uint64_t metric;
    bool has_delay;
    uint32_t delay_us;
    const char *addresses;  // JSON, or NULL
    const char *pseudonode; // NULL: point to point
};

struct snapshot_session {
    const char *peer, *family, *state, *end_of_rib;
    bool stale;
};

/* Everything in a snapshot. Borrowed by the writer; in the reader's arena when read. */
struct snapshot {
    uint64_t number;         // writer: given by it
    const char *map;         // resource-id of the network map
    char tag[HASH_TAG_SIZE]; // M-602; writer: computed by it
    int64_t time_us;
    const char *generation;
    uint64_t sequence;
    int64_t state_time_us;
    const char *version, *config_hash, *default_pid;
    uint64_t stale_objects, single_candidates;
    const char *warnings, *timings;  // JSON
    const struct snapshot_pid *pids; // ascending by name, bytewise
    size_t pid_count;
    struct snapshot_metric *metrics; // writer: in, but for each one's tag, which is computed by it
    size_t metric_count;
    const struct snapshot_router *routers;
    size_t router_count;
    const struct snapshot_link *links;
    size_t link_count;
    const struct snapshot_session *sessions;
    size_t session_count;
};

/* ---- Writer (altimeter-mapgen): one a directory, by a lock. ---- */

struct snapshot_writer;

struct snapshot_writer_options {
    const char *directory; // made when missing
    unsigned keep_count;   // newest so many …
    int64_t keep_for_us;   // … or so long, whichever is less; the current one always stays
    uint64_t max_bytes;    // of all snapshots together
};

struct snapshot_writer *snapshot_writer_open(const struct snapshot_writer_options *options,
                                             struct error *err);
void snapshot_writer_close(struct snapshot_writer *writer); // NULL is fine

enum snapshot_outcome { SNAPSHOT_PUBLISHED, SNAPSHOT_UNCHANGED };

/* What is published now. */
struct snapshot_published {
    uint64_t number;
    char name[64]; // of the file
    char tag[HASH_TAG_SIZE];
    char generation[33]; // of the state.db it was made from
};

/* false: nothing yet, or nothing that can be read. */
bool snapshot_writer_current(const struct snapshot_writer *writer, struct snapshot_published *out);

/* Whether the directory is still the one that was opened. false: it was removed or replaced; nothing that this
 * writer does is seen by anybody, another is to be opened. */
bool snapshot_writer_is_in_place(const struct snapshot_writer *writer);

/* Publishes, unless all tags equal those of the current snapshot (M-605). name: of the file now current,
 * `2026-11-21T123000Z-1a2b3c4d.db`. On failure nothing that was visible has changed, and no temporary file
 * stays. tags and number of what is now current are written to *snapshot. Tags are computed by several threads,
 * which end with the call. */
bool snapshot_publish(struct snapshot_writer *writer, struct snapshot *snapshot, char name[64],
                      enum snapshot_outcome *outcome, struct error *err);

/* Removes what retention does not keep; after publishing. A failure hurts no map. */
bool snapshot_writer_prune(struct snapshot_writer *writer, int64_t now_us, struct error *err);

/* ---- Tags ---- */

/* Tag of the network map (M-601, M-602) and of a full numerical cost map (M-603). */
void snapshot_map_tag(const struct snapshot *snapshot, char out[HASH_TAG_SIZE]);
void snapshot_cost_tag(const struct snapshot *snapshot, const struct snapshot_metric *metric,
                       char out[HASH_TAG_SIZE]);

/* ---- Readers ---- */

/* Reads the file whole and checks it (application id, version, every index, every cell's width), into the
 * arena. Any fault: false, and the arena holds nothing of use. sections: what to read beyond the map and the
 * costs. */
enum snapshot_sections {
    SNAPSHOT_MAP = 0,
    SNAPSHOT_GRAPH = 1
}; // graph: routers, links, attachments, sessions
bool snapshot_read(const char *path, enum snapshot_sections sections, struct arena *arena,
                   struct snapshot *out, struct error *err);

/* The name `current` points at, relative to the directory ("" when there is none yet). */
bool snapshot_current(const char *directory, char name[64], struct error *err);
