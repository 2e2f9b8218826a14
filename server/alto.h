/* alto: what all ALTO answers share: errors, version tags, cost types (RFC 7285 sections 8.5, 10.3, 10.7). */
#pragma once

#include "encode.h"
#include "lib/snapshot.h"
#include "response.h"

/* A client's mistake (RFC 7285 section 8.5.2). */
struct alto_error {
    const char *code;         // "E_MISSING_FIELD", …
    const char *field;        // names joined by '/'; NULL: none
    const char *value;        // only with a field; NULL: none. UTF-8, cut at 256 bytes here
    const char *syntax_error; // of E_SYNTAX, for developers; NULL: none
};

/* The answer to it: 400, application/alto-error+json. */
void alto_error_respond(const struct alto_error *error, struct response *response);

/* `{"resource-id":"netmap","tag":"…"}` */
void alto_add_vtag(struct text *out, const char *resource_id, const char *tag);

/* `"cost-type":{"cost-mode":"numerical","cost-metric":"hopcount"}`, with the metric's cost-context if it has
 * one. */
void alto_add_cost_type(struct text *out, const struct snapshot_metric *metric, const char *mode);

/* The name of a cost type in our directories: "num-hopcount", of the characters of a PIDName. */
void alto_cost_type_name(const struct snapshot_metric *metric, const char *mode, char out[64]);
