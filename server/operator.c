/* operator: see operator.h. */
#include "operator.h"

#include "lib/text.h"

#include <string.h>

/* altimeter-mapgen confirms every 10 s while it lives and hears the collector's heartbeat, which is as often. */
static const int64_t confirmed_within_us = 60000000;

void operator_readiness(const struct views_state *state, int64_t now_us, struct response *response)
{
    char age[TEXT_DURATION_SIZE];
    const char *problem = *state->problem ? state->problem : "is altimeter-mapgen running?";

    if (!state->has_view) {
        response_text(response, 503, "not ready: no map yet: %s", problem);
        return;
    }
    if (!state->confirmed_us) {
        response_text(response, 503, "not ready: the map is not confirmed: %s", problem);
        return;
    }
    int64_t age_us = now_us > state->confirmed_us ? now_us - state->confirmed_us : 0;
    (void)text_duration(age_us, age);
    if (age_us > confirmed_within_us)
        response_text(response, 503, "not ready: the map was confirmed %s ago: %s", age, problem);
    else
        response_text(response, 200, "ready: the map was confirmed %s ago", age);
}

void operator_answer(void *context, unsigned loop, const struct http_request *request,
                     struct response *response)
{
    bool is_health = strcmp(request->path, "/healthz") == 0;
    struct views_state state;

    (void)loop;
    response_field(response, "Cache-Control", "no-store");
    if (!is_health && strcmp(request->path, "/readyz") != 0) {
        response_text(response, 404, "no such page; /healthz or /readyz expected");
        return;
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        response_field(response, "Allow", "GET, HEAD");
        response_text(response, 405, "method not allowed; GET expected");
        return;
    }
    if (is_health) {
        response_text(response, 200, "ok");
        return;
    }
    views_state(context, &state);
    operator_readiness(&state, text_now_us(), response);
}
