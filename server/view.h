/* view: one loaded snapshot with everything that is answered from it.
 *
 * Immutable once loaded, shared by all threads, counted: whoever answers from it holds a reference until the
 * last byte is sent. Only the compressed forms come later, each published once (encode.h). */
#pragma once

#include "lib/error.h"
#include "lib/snapshot.h"
#include "lpm.h"
#include "resource.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view_options {
    const char *base_url; // NULL: URIs are relative
    int64_t max_age_us;   // Cache-Control
};

struct view {
    struct snapshot snapshot;
    const char *file;     // name of the snapshot's file
    const char *base_url; // "" or without a slash at its end
    const char *fields;   // header lines of every GET answer: Last-Modified, Cache-Control, Vary
    struct lpm *lpm;      // over the network map; its PIDs are indexes of snapshot.pids
    struct resource *resources;
    size_t resource_count;
    struct arena *arena; // holds all of it but the renderings
};

/* Reads directory/file, renders every GET resource. The caller has the first reference. */
struct view *view_load(const char *directory, const char *file, const struct view_options *options,
                       struct error *err);
struct view *view_ref(struct view *view);
void view_unref(struct view *view); // NULL is fine

/* Nobody but the caller has a reference, and nobody can get one who has none. */
bool view_is_last_reference(const struct view *view);

/* Who still sends from it is to stop: it has been superseded, and others want the memory. */
void view_revoke(struct view *view);
bool view_is_revoked(const struct view *view);

/* The resource of that path; after the given one, NULL: the first. GET and POST may share a path. */
struct resource *view_find(const struct view *view, const char *path, const struct resource *after);

size_t view_bytes(const struct view *view); // in memory, without compressed forms
