/* operator: health and readiness for who runs the server, on an address of their own.
 *
 * /healthz: the process answers. /readyz: there is a map, and altimeter-mapgen has confirmed it lately
 * (status.db). A server that is not ready still answers every map (docs/spec/alto-deployment.md D-042). */
#pragma once

#include "http_request.h"
#include "response.h"
#include "views.h"

/* The handler of struct http_service; context is a struct views. */
void operator_answer(void *context, unsigned loop, const struct http_request *request,
                     struct response *response);

/* 200 or 503 and why, at a given time. */
void operator_readiness(const struct views_state *state, int64_t now_us, struct response *response);
