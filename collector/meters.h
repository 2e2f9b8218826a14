/* meters: the collector's own figures until they are written to table meter. One thread at a time. */
#pragma once

#include "lib/state.h"

struct meters;

struct meters *meters_new(void);
void meters_free(struct meters *meters);

void meters_set(struct meters *meters, const char *name, const char *peer, int64_t value);

/* Counts one more; the new value. */
int64_t meters_count(struct meters *meters, const char *name, const char *peer);

/* Whether a line about this figure may be logged: at most one a minute. */
bool meters_may_log(struct meters *meters, const char *name, const char *peer, int64_t steady_us);

/* Calls give for each figure that changed since the last call. */
void meters_take(struct meters *meters,
                 void (*give)(void *context, const char *name, const char *peer, int64_t value),
                 void *context);
