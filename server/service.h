/* service: HTTP requests to ALTO answers, by the order of docs/spec/alto-base.md A-011.
 *
 * Any loop may answer; what a loop needs of its own it has by its number. */
#pragma once

#include "http_request.h"
#include "response.h"
#include "views.h"

struct service;

struct service *service_new(struct views *views, unsigned loops); // views are borrowed
void service_free(struct service *service);                       // NULL is fine

/* The handlers of struct http_service; context is a service. */
void service_answer(void *context, unsigned loop, const struct http_request *request,
                    struct response *response);
void service_on_tick(void *context, unsigned loop, bool is_last);

/* The answer from one view, for tests too; NULL: there is none yet. */
void service_answer_from(struct view *view, const struct http_request *request,
                         struct response *response);
