/* service, view, alto and the resources: requests in, answers out, over the worked example as a snapshot. */
#include "http_request.h"
#include "lib/arena.h"
#include "operator.h"
#include "service.h"
#include "snapshot_fixture.h"
#include "view.h"

#include <check.h>
#include <jansson.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define NETMAP_TAG "00112233445566778899aabbccddeeff"
#define EPS_TYPE "Content-Type: application/alto-endpointpropparams+json\r\n"
#define ROUTING_TAG "10112233445566778899aabbccddeeff"

static const struct http_limits limits = {
    .line_bytes = 8192, .head_bytes = 16384, .fields = 100, .body_bytes = 3000};

static char *directory;
static struct view *view;
static struct arena *arena;
static struct http_reader *reader;

static struct view *load(const char *changes, const char *base_url)
{
    struct view_options options = {.base_url = base_url, .max_age_us = 5000000};
    struct error err;

    fixture_publish(directory, "a.db", changes);
    struct view *loaded = view_load(directory, "a.db", &options, &err);
    ck_assert_msg(loaded != NULL, "%s", err.text);
    return loaded;
}

static void setup(void)
{
    directory = fixture_directory();
    arena = arena_new();
    reader = http_reader_new(&limits);
    view = load(NULL, NULL);
}

static void teardown(void)
{
    view_unref(view);
    http_reader_free(reader);
    arena_free(arena);
    fixture_remove(directory);
}

/* The answer to a request line and fields; "\r\n\r\n" and HTTP/1.1 with its Host are added. */
static struct response ask_of(struct view *asked, const char *line, const char *fields)
{
    struct response response = {.arena = arena, .status = 200};
    char bytes[2048];
    size_t used;

    int length = snprintf(bytes, sizeof bytes, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, fields);
    ck_assert_int_eq(http_reader_feed(reader, (const uint8_t *)bytes, (size_t)length, &used),
                     HTTP_REQUEST);
    service_answer_from(asked, http_reader_request(reader), &response);
    http_reader_next(reader);
    return response;
}

static struct response ask(const char *line, const char *fields)
{
    return ask_of(view, line, fields);
}

static void done(struct response *response)
{
    if (response->release)
        response->release(response->owner);
}

static bool has_field(const struct response *response, const char *line)
{
    char whole[256];

    (void)snprintf(whole, sizeof whole, "%s\r\n", line);
    return response->fields && strstr(response->fields, whole) != NULL;
}

static bool body_has(const struct response *response, const char *text)
{
    return memmem(response->body, response->body_length, text, strlen(text)) != NULL;
}

static json_t *json_of(const struct response *response)
{
    json_error_t err;
    json_t *json = json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, &err);

    ck_assert_msg(json != NULL, "%s", err.text);
    return json;
}

static void same_json(const struct response *response, const char *want)
{
    json_error_t err;
    json_t *got = json_of(response), *wanted = json_loads(want, 0, &err);

    ck_assert_msg(wanted != NULL, "the test's own JSON: %s", err.text);
    ck_assert_msg(json_equal(got, wanted), "%.*s", (int)response->body_length, response->body);
    json_decref(got);
    json_decref(wanted);
}

/* ---- Order and status (A-011, A-012) ---- */

static const struct {
    const char *line, *fields;
    int status;
    const char *field; // in the answer
} statuses[] = {
    {"GET /", "", 200, "Content-Type: application/alto-directory+json"},
    {"GET /directory", "", 200, "Content-Type: application/alto-directory+json"},
    {"GET /directory/rfc7285", "", 200, "Content-Type: application/alto-directory+json"},
    {"GET /networkmap", "", 200, "Content-Type: application/alto-networkmap+json"},
    {"GET /costmap/routingcost", "", 200, "Content-Type: application/alto-costmap+json"},
    {"GET /networkmap?x=1", "", 200, "Cache-Control: max-age=5"},
    {"HEAD /networkmap", "", 200, "Content-Type: application/alto-networkmap+json"},
    {"GET /networkmap", "Accept: text/html\r\n", 406, NULL},
    {"GET /networkmap", "Accept: application/alto-costmap+json, */*;q=0\r\n", 406, NULL},
    {"GET /networkmap", "Accept: application/*\r\n", 200, NULL},
    {"GET /nothing", "", 404, NULL},
    {"GET /networkmap/", "", 404, NULL},
    {"GET /NetworkMap", "", 404, NULL},
    {"GET /costmap%2Frouting", "", 404, NULL},
    {"GET /network%6dap", "", 200, NULL},
    {"GET /costmap/delay-ow:mean", "", 404, NULL}, // the bare name has the full map (M-503)
    {"DELETE /nothing", "", 404, NULL},            // path before method
    {"POST /networkmap", "", 405, "Allow: GET, HEAD, OPTIONS"},
    {"POST /networkmap", "Accept: text/html\r\n", 405, "Allow: GET, HEAD, OPTIONS"},
    {"PUT /networkmap", "", 405, "Allow: GET, HEAD, OPTIONS"},
    {"get /networkmap", "", 405, "Allow: GET, HEAD, OPTIONS"}, // methods have a case
    {"OPTIONS /networkmap", "", 204, "Allow: GET, HEAD, OPTIONS"},
    {"GET /endpointprop", "", 405, "Allow: POST, OPTIONS"},
    {"OPTIONS /endpointprop", "", 204, "Allow: POST, OPTIONS"},
    {"POST /endpointprop", "", 415, "Accept: application/alto-endpointpropparams+json"},
    {"POST /endpointprop", "Content-Type: application/json\r\n", 415, NULL},
    {"POST /endpointprop", EPS_TYPE "Content-Encoding: gzip\r\n", 415, "Accept-Encoding: identity"},
    {"POST /endpointprop", EPS_TYPE "Content-Length: 3001\r\n", 413, NULL},
    {"POST /endpointprop", "Content-Length: 3001\r\n", 415, NULL}, // type before size
    {"POST /endpointprop", EPS_TYPE "Accept: text/html\r\nContent-Length: 3001\r\n", 413, NULL},
    {"POST /endpointprop", EPS_TYPE "Accept: text/html\r\n", 406, NULL},
    {"OPTIONS *", "", 204, "Allow: GET, HEAD, POST, OPTIONS"},
    {"GET /networkmap", "Content-Length: 3001\r\n", 413, NULL},
    {"GET /networkmap", "Cookie: a=b\r\n", 200, NULL},
};

START_TEST(a011_statuses)
{
    struct response r = ask(statuses[_i].line, statuses[_i].fields);

    ck_assert_int_eq(r.status, statuses[_i].status);
    if (statuses[_i].field)
        ck_assert_msg(has_field(&r, statuses[_i].field), "%s", r.fields);
    if (r.status >= 400) {
        ck_assert(has_field(&r, "Content-Type: text/plain; charset=utf-8"));
        ck_assert_ptr_eq(memchr(r.body, '\n', r.body_length),
                         r.body + r.body_length - 1); // one line
    }
    ck_assert(r.status == 204 || r.body_length > 0);
    ck_assert_ptr_null(strstr(r.fields ? r.fields : "", "Set-Cookie"));
    done(&r);
}
END_TEST

START_TEST(a048_no_snapshot_is_503_everywhere)
{
    static const char *const lines[] = {"GET /", "GET /networkmap", "POST /costmap/x",
                                        "OPTIONS /directory", "GET /nothing"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct response r = ask_of(NULL, lines[i], "");
        ck_assert_int_eq(r.status, 503);
        ck_assert(has_field(&r, "Retry-After: 1"));
    }
}
END_TEST

/* ---- The resources ---- */

START_TEST(a040_a043_a044_directory)
{
    struct response r = ask("GET /", "");

    same_json(
        &r,
        "{\"meta\":{\"default-alto-network-map\":\"netmap\",\"cost-types\":{"
        "\"num-routingcost\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
        "\"num-hopcount\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"},"
        "\"num-delay-ow\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"delay-ow\","
        "\"cost-context\":{\"cost-source\":\"estimation\"}}}},\"resources\":{"
        "\"netmap\":{\"uri\":\"/networkmap\",\"media-type\":\"application/alto-networkmap+json\"},"
        "\"costmap-routingcost\":{\"uri\":\"/costmap/routingcost\","
        "\"media-type\":\"application/alto-costmap+json\",\"uses\":[\"netmap\"],"
        "\"capabilities\":{\"cost-type-names\":[\"num-routingcost\"]}},"
        "\"costmap-hopcount\":{\"uri\":\"/costmap/hopcount\","
        "\"media-type\":\"application/alto-costmap+json\",\"uses\":[\"netmap\"],"
        "\"capabilities\":{\"cost-type-names\":[\"num-hopcount\"]}},"
        "\"costmap-delay-ow\":{\"uri\":\"/costmap/delay-ow\","
        "\"media-type\":\"application/alto-costmap+json\",\"uses\":[\"netmap\"],"
        "\"capabilities\":{\"cost-type-names\":[\"num-delay-ow\"]}},"
        "\"endpoint-properties\":{\"uri\":\"/endpointprop\","
        "\"media-type\":\"application/alto-endpointprop+json\","
        "\"accepts\":\"application/alto-endpointpropparams+json\","
        "\"capabilities\":{\"prop-types\":[\"netmap.pid\"]}}}}");
    done(&r);
}
END_TEST

START_TEST(a041_the_plain_directory_knows_rfc7285_only)
{
    struct response r = ask("GET /directory/rfc7285", "");
    json_t *json = json_of(&r);
    json_t *types = json_object_get(json_object_get(json, "meta"), "cost-types");

    ck_assert_uint_eq(json_object_size(types), 2);
    ck_assert_ptr_null(json_object_get(types, "num-delay-ow"));
    ck_assert_uint_eq(json_object_size(json_object_get(json, "resources")), 4);
    ck_assert(!body_has(&r, "rfc7285"));
    json_decref(json);
    done(&r);
}
END_TEST

START_TEST(a041_base_url_makes_uris_absolute)
{
    struct view *absolute = load(NULL, "https://alto.example.net/");
    struct response r = ask_of(absolute, "GET /", "");

    ck_assert(body_has(&r, "\"uri\":\"https://alto.example.net/networkmap\""));
    done(&r);
    view_unref(absolute);
}
END_TEST

START_TEST(a048_a_metric_without_values_is_not_offered)
{
    struct view *poor = load("DELETE FROM cost_row WHERE metric_id = 2;"
                             "UPDATE metric SET pairs = 0 WHERE metric_id >= 2",
                             NULL);
    struct response r = ask_of(poor, "GET /", "");

    ck_assert(!body_has(&r, "delay-ow"));
    done(&r);
    r = ask_of(poor, "GET /costmap/delay-ow", "");
    ck_assert_int_eq(r.status, 404);
    view_unref(poor);
}
END_TEST

START_TEST(a050_a054_network_map)
{
    struct response r = ask("GET /networkmap", "");

    same_json(&r, "{\"meta\":{\"vtag\":{\"resource-id\":\"netmap\",\"tag\":\"" NETMAP_TAG "\"}},"
                  "\"network-map\":{\"as64500@mad-cr1\":{\"ipv4\":[\"203.0.113.0/24\"]},"
                  "\"default\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},"
                  "\"lis-cr2\":{\"ipv4\":[\"192.0.2.128/25\"],\"ipv6\":[\"2001:db8:40::/44\"]},"
                  "\"mad-cr1\":{\"ipv4\":[\"192.0.2.0/25\",\"198.51.100.0/25\"]}}}");
    done(&r);
}
END_TEST

/* RFC 7285 allows it; our generator makes none. */
START_TEST(a055_a_pid_without_addresses_is_an_empty_object)
{
    struct view *changed =
        load("DELETE FROM prefix_list WHERE pid_id = 0;"
             "UPDATE pid SET prefixes_ipv4 = 0 WHERE pid_id = 0;"
             "UPDATE prefix_list SET list = '[]' WHERE pid_id = 1 AND family = 'ipv4';"
             "UPDATE pid SET prefixes_ipv4 = 0 WHERE pid_id = 1",
             NULL);
    struct response r = ask_of(changed, "GET /networkmap", "");
    json_t *json = json_of(&r), *map = json_object_get(json, "network-map");

    ck_assert_uint_eq(json_object_size(json_object_get(map, "as64500@mad-cr1")), 0);
    ck_assert_uint_eq(json_object_size(json_object_get(map, "default")), 1);
    json_decref(json);
    done(&r);
    view_unref(changed);
}
END_TEST

START_TEST(a051_a052_a070_a073_cost_map)
{
    struct response r = ask("GET /costmap/routingcost", "");

    same_json(&r,
              "{\"meta\":{\"vtag\":{\"resource-id\":\"costmap-routingcost\",\"tag\":\"" ROUTING_TAG
              "\"},\"dependent-vtags\":[{\"resource-id\":\"netmap\",\"tag\":\"" NETMAP_TAG "\"}],"
              "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
              "\"cost-map\":{\"lis-cr2\":{\"as64500@mad-cr1\":31,\"lis-cr2\":0,\"mad-cr1\":30},"
              "\"mad-cr1\":{\"as64500@mad-cr1\":1,\"lis-cr2\":30,\"mad-cr1\":0}}}");
    done(&r);
}
END_TEST

START_TEST(a071_costs_are_directed_and_an_alias_has_its_own_name)
{
    struct response r = ask("GET /costmap/delay-ow", "");

    same_json(
        &r,
        "{\"meta\":{\"vtag\":{\"resource-id\":\"costmap-delay-ow\",\"tag\":"
        "\"40112233445566778899aabbccddeeff\"},\"dependent-vtags\":[{\"resource-id\":\"netmap\","
        "\"tag\":\"" NETMAP_TAG "\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
        "\"cost-metric\":\"delay-ow\",\"cost-context\":{\"cost-source\":\"estimation\"}}},"
        "\"cost-map\":{\"lis-cr2\":{\"mad-cr1\":0},\"mad-cr1\":{\"lis-cr2\":2500}}}");
    done(&r);
}
END_TEST

/* Costs are sent as the text that the snapshot holds; a dot in a metric's name is none in an id. */
START_TEST(a027_costs_are_sent_digit_by_digit)
{
    struct view *changed = load(
        "UPDATE metric SET name = 'lossrate:p99.9', alias_of = NULL, pairs = 2 WHERE metric_id = 3;"
        "INSERT INTO cost_row VALUES"
        " (3, 0, 20, CAST(printf('%20s%40s%20s', '0.3994', '', '18446744073709551615') AS BLOB))",
        NULL);
    struct response r = ask_of(changed, "GET /costmap/lossrate:p99.9", "");

    ck_assert_int_eq(r.status, 200);
    ck_assert(body_has(&r,
                       "\"cost-map\":{\"as64500@mad-cr1\":{\"as64500@mad-cr1\":0.3994,\"mad-cr1\":"
                       "18446744073709551615}}}"));
    ck_assert(body_has(&r, "\"resource-id\":\"costmap-lossrate:p99_9\""));
    done(&r);
    view_unref(changed);
}
END_TEST

/* Names of every length and cells of every width, some blank, against a plain printer. */
START_TEST(cost_maps_equal_a_plain_rendering)
{
    enum { PIDS = 40 };
    unsigned seed = (unsigned)_i;
    struct text sql = {0}, want = {0};
    const char *names[PIDS];
    unsigned pairs = 0;

    text_add_string(&sql, "DELETE FROM cost_row; DELETE FROM prefix_list; DELETE FROM pid;"
                          "DELETE FROM metric WHERE metric_id > 0;");
    for (int i = 0; i < PIDS; i++) {
        names[i] = arena_format(arena, "%02d%0*d", i, i + 3 + rand_r(&seed) % (61 - PIDS), 7);
        text_add_string(
            &sql, arena_format(arena, "INSERT INTO pid VALUES (%d, '%s', '', 0, 0);", i, names[i]));
    }
    for (int i = 0; i < PIDS; i++) {
        int width = 1 + rand_r(&seed) % 12, in_row = 0;
        text_add_string(
            &sql, arena_format(arena, "INSERT INTO cost_row VALUES (0, %d, %d, CAST('", i, width));
        for (int j = 0; j < PIDS; j++) {
            bool is_blank = i % 7 == 0 || rand_r(&seed) % 3 == 0;
            const char *digits = arena_format(arena, "%.*s", 1 + rand_r(&seed) % width,
                                              is_blank ? "" : "123456789012");
            text_add_string(&sql, arena_format(arena, "%*s", width, digits));
            if (is_blank)
                continue;
            if (in_row == 0)
                text_add_string(&want,
                                arena_format(arena, "%s\"%s\":{", pairs ? "," : "", names[i]));
            text_add_string(
                &want, arena_format(arena, "%s\"%s\":%s", in_row ? "," : "", names[j], digits));
            in_row++;
            pairs++;
        }
        text_add_string(&want, in_row ? "}" : "");
        text_add_string(&sql, "' AS BLOB));");
    }
    text_add_string(&sql, arena_format(arena, "UPDATE metric SET pairs = %u;", pairs));
    text_add(&sql, "", 1);
    text_add_string(&want, "}}");

    struct view *large = load(sql.bytes, NULL);
    struct response r = ask_of(large, "GET /costmap/routingcost", "");
    ck_assert_uint_gt(r.body_length, want.length);
    ck_assert_mem_eq(r.body + r.body_length - want.length, want.bytes, want.length);
    done(&r);
    view_unref(large);
    free(sql.bytes);
    free(want.bytes);
}
END_TEST

/* ---- Endpoint properties (part 10) ---- */

static struct response post(const char *body)
{
    struct response response = {.arena = arena, .status = 200};
    size_t used;
    const char *bytes = arena_format(arena,
                                     "POST /endpointprop HTTP/1.1\r\nHost: a\r\n" EPS_TYPE
                                     "Content-Length: %zu\r\n\r\n%s",
                                     strlen(body), body);

    ck_assert_int_eq(http_reader_feed(reader, (const uint8_t *)bytes, strlen(bytes), &used),
                     HTTP_REQUEST);
    service_answer_from(view, http_reader_request(reader), &response);
    http_reader_next(reader);
    return response;
}

#define ASK(endpoints) "{\"properties\":[\"netmap.pid\"],\"endpoints\":[" endpoints "]}"

static const struct {
    const char *body, *properties;
} properties[] = {
    {ASK("\"ipv4:192.0.2.200\",\"ipv6:2001:DB8:40::1\""),
     "{\"ipv4:192.0.2.200\":{\"netmap.pid\":\"lis-cr2\"},"
     "\"ipv6:2001:DB8:40::1\":{\"netmap.pid\":\"lis-cr2\"}}"},
    {ASK("\"ipv4:192.0.2.1\",\"ipv4:100.64.0.1\",\"ipv6:::\""),
     "{\"ipv4:192.0.2.1\":{\"netmap.pid\":\"mad-cr1\"},"
     "\"ipv4:100.64.0.1\":{\"netmap.pid\":\"default\"},\"ipv6:::\":{\"netmap.pid\":\"default\"}}"},
    // duplicates once, the first spelling
    {ASK("\"ipv6:2001:db8:40::0:1\",\"ipv6:2001:db8:40::1\",\"ipv6:2001:db8:40::0:1\""),
     "{\"ipv6:2001:db8:40::0:1\":{\"netmap.pid\":\"lis-cr2\"}}"},
    {ASK("\"ipv6:::ffff:192.0.2.1\""),
     "{\"ipv6:::ffff:192.0.2.1\":{\"netmap.pid\":\"default\"}}"},
    {"{\"x\":null,\"properties\":[\"netmap.pid\",\"netmap.pid\"],\"endpoints\":[\"ipv4:1.2.3.4\"]}",
     "{\"ipv4:1.2.3.4\":{\"netmap.pid\":\"default\"}}"}, // unknown members are ignored
};

START_TEST(a085_a086_endpoint_properties)
{
    struct response r = post(properties[_i].body);

    ck_assert_int_eq(r.status, 200);
    ck_assert(has_field(&r, "Content-Type: application/alto-endpointprop+json"));
    ck_assert(has_field(&r, "Cache-Control: no-store"));
    same_json(&r,
              arena_format(arena,
                           "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"netmap\",\"tag\":"
                           "\"" NETMAP_TAG "\"}]},\"endpoint-properties\":%s}",
                           properties[_i].properties));
}
END_TEST

START_TEST(a085_an_endpoint_without_a_pid_is_an_empty_object)
{
    view_unref(view);
    view = load("UPDATE prefix_list SET list = '[]' WHERE pid_id = 1;"
                "UPDATE pid SET prefixes_ipv4 = 0, prefixes_ipv6 = 0 WHERE pid_id = 1",
                NULL);
    struct response r = post(ASK("\"ipv4:100.64.0.1\""));
    ck_assert(body_has(&r, "\"endpoint-properties\":{\"ipv4:100.64.0.1\":{}}"));
}
END_TEST

#define VALUE(field, value)                                                                        \
    "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\",\"field\":\"" field "\",\"value\":\"" value     \
    "\"}}"

static const struct {
    const char *body, *error;
} mistakes[] = {
    {"{}", "{\"meta\":{\"code\":\"E_MISSING_FIELD\",\"field\":\"properties\"}}"},
    {"{\"properties\":5}",
     "{\"meta\":{\"code\":\"E_MISSING_FIELD\",\"field\":\"endpoints\"}}"},
    {"{\"properties\":null,\"endpoints\":[]}", // null is a wrong type
     "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"properties\"}}"},
    {"{\"properties\":[],\"endpoints\":{}}",
     "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"endpoints\"}}"},
    {"{\"properties\":[],\"endpoints\":[]}", VALUE("properties", "[]")},
    {"{\"properties\":[\"netmap.pid\"],\"endpoints\":[]}", VALUE("endpoints", "[]")},
    {"{\"properties\":[\"netmap.pid\",7],\"endpoints\":[\"x\"]}", VALUE("properties", "7")},
    {"{\"properties\":[\"NetMap.pid\"],\"endpoints\":[\"x\"]}",
     VALUE("properties", "NetMap.pid")},
    {"{\"properties\":[\"pid\"],\"endpoints\":[\"x\"]}", VALUE("properties", "pid")},
    {ASK("\"192.0.2.1\""), VALUE("endpoints", "192.0.2.1")},
    {ASK("\"ipv4:192.0.2.01\""), VALUE("endpoints", "ipv4:192.0.2.01")},
    {ASK("\"ipv4:192.0.2.0/24\""), VALUE("endpoints", "ipv4:192.0.2.0/24")},
    {ASK("\"ipv4:::1\""), VALUE("endpoints", "ipv4:::1")}, // an address of the other family
    {ASK("\"ipv6:192.0.2.1\""), VALUE("endpoints", "ipv6:192.0.2.1")},
    {ASK("\"IPV4:192.0.2.1\""), VALUE("endpoints", "IPV4:192.0.2.1")},
    {ASK("\"ipv6:fe80::1%eth0\""), VALUE("endpoints", "ipv6:fe80::1%eth0")},
    {ASK("\"ipv4:1.2.3.4\",{\"a\": [1]}"), VALUE("endpoints", "{\\\"a\\\":[1]}")},
    {ASK("\"\""), VALUE("endpoints", "")},
    {"", "{\"meta\":{\"code\":\"E_SYNTAX\",\"syntax-error\":\"line 1, byte 1: not JSON\"}}"},
};

START_TEST(a030_a033_a087_each_mistake_of_a_request)
{
    struct response r = post(mistakes[_i].body);

    ck_assert_int_eq(r.status, 400);
    ck_assert(has_field(&r, "Content-Type: application/alto-error+json"));
    same_json(&r, mistakes[_i].error);
}
END_TEST

START_TEST(a053_a_prefix_in_two_pids_is_refused)
{
    struct view_options options = {0};
    struct error err;
    char want[600];

    fixture_publish(directory, "b.db",
                    "UPDATE prefix_list SET list = '[\"192.0.2.128/25\"]' WHERE pid_id = 0");
    ck_assert_ptr_null(view_load(directory, "b.db", &options, &err));
    (void)snprintf(want, sizeof want,
                   "%s/b.db: prefix 192.0.2.128/25 is there twice, or out of order", directory);
    ck_assert_str_eq(err.text, want);
}
END_TEST

/* ---- Caching and codings ---- */

static const struct {
    const char *fields;
    int status;
    const char *field;
} conditions[] = {
    {"If-None-Match: \"" NETMAP_TAG "\"\r\n", 304, "ETag: \"" NETMAP_TAG "\""},
    {"If-None-Match: W/\"x\", \"" NETMAP_TAG "\"\r\n", 304, NULL},
    {"If-None-Match: \"x\"\r\n", 200, "ETag: \"" NETMAP_TAG "\""},
    {"If-None-Match: *\r\n", 304, NULL},
    {"If-None-Match: \"" ROUTING_TAG "\"\r\n", 200, NULL},
    // the client has the gzip form and accepts it: that is the representation it asks about
    {"If-None-Match: \"" NETMAP_TAG "-gzip\"\r\nAccept-Encoding: gzip\r\n", 304,
     "ETag: \"" NETMAP_TAG "-gzip\""},
    {"If-None-Match: \"" NETMAP_TAG "\"\r\nAccept-Encoding: gzip\r\n", 304,
     "ETag: \"" NETMAP_TAG "\""},
    {"If-None-Match: \"" NETMAP_TAG "-gzip\"\r\n", 200, NULL}, // it accepts identity only
    {"If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n", 304, NULL},
    {"If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT\r\n", 200,
     "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"},
    {"If-Modified-Since: yesterday\r\n", 200, NULL},
    {"If-None-Match: \"x\"\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n", 200,
     "Vary: Accept-Encoding"}, // If-None-Match wins
};

START_TEST(a015_d031_conditional_requests)
{
    struct response r = ask("GET /networkmap", conditions[_i].fields);

    ck_assert_int_eq(r.status, conditions[_i].status);
    if (conditions[_i].field)
        ck_assert_msg(has_field(&r, conditions[_i].field), "%s", r.fields);
    ck_assert_int_eq(r.status == 304, r.body == NULL);
    done(&r);
}
END_TEST

/* Prefixes enough for a body that is worth compressing. */
static struct view *load_large(void)
{
    struct text sql = {0};
    char part[64];

    text_add_string(&sql, "UPDATE pid SET prefixes_ipv4 = 200 WHERE pid_id = 3;"
                          "UPDATE prefix_list SET list = '[");
    for (int i = 0; i < 200; i++) {
        (void)snprintf(part, sizeof part, "%s\"10.%d.0.0/16\"", i ? "," : "", i);
        text_add_string(&sql, part);
    }
    text_add(&sql, "]' WHERE pid_id = 3", sizeof "]' WHERE pid_id = 3");
    struct view *large = load(sql.bytes, NULL);
    free(sql.bytes);
    return large;
}

START_TEST(a041_one_resource_a_name)
{
    struct view_options options = {.max_age_us = 5000000};
    struct error err;

    fixture_publish(directory, "b.db", "UPDATE snapshot SET map = 'endpoint-properties'");
    ck_assert_ptr_null(view_load(directory, "b.db", &options, &err));
    ck_assert_ptr_nonnull(strstr(err.text,
                                 "b.db: resource-id 'endpoint-properties' of /networkmap "
                                 "and of /endpointprop; the map or a metric needs another "
                                 "name"));
}
END_TEST

START_TEST(a018_codings)
{
    struct view *large = load_large();
    struct resource *map = view_find(large, "/networkmap", NULL);
    struct response plain = ask_of(large, "GET /networkmap", "Accept-Encoding: zstd, gzip\r\n");
    char *back = malloc(plain.body_length);
    size_t length;

    // until the worker is done there is identity
    ck_assert_ptr_null(strstr(plain.fields, "Content-Encoding"));
    ck_assert(has_field(&plain, "ETag: \"" NETMAP_TAG "\""));
    ck_assert(rendering_encode(&map->rendering, CODING_GZIP));
    ck_assert(rendering_encode(&map->rendering, CODING_ZSTD));

    struct response r = ask_of(large, "GET /networkmap", "Accept-Encoding: zstd, gzip\r\n");
    ck_assert(has_field(&r, "Content-Encoding: zstd"));
    ck_assert(has_field(&r, "ETag: \"" NETMAP_TAG "-zstd\""));
    length = ZSTD_decompress(back, plain.body_length, r.body, r.body_length);
    ck_assert_uint_eq(length, plain.body_length);
    ck_assert_mem_eq(back, plain.body, length);
    done(&r);

    r = ask_of(large, "GET /networkmap", "Accept-Encoding: gzip\r\n");
    ck_assert(has_field(&r, "Content-Encoding: gzip"));
    ck_assert(has_field(&r, "ETag: \"" NETMAP_TAG "-gzip\""));
    struct libdeflate_decompressor *gzip = libdeflate_alloc_decompressor();
    ck_assert_int_eq(
        libdeflate_gzip_decompress(gzip, r.body, r.body_length, back, plain.body_length, &length),
        LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(gzip);
    ck_assert_uint_eq(length, plain.body_length);
    ck_assert_mem_eq(back, plain.body, length);
    done(&r);

    r = ask_of(large, "GET /networkmap", "Accept-Encoding: gzip;q=0\r\n");
    ck_assert_ptr_eq(r.body, plain.body);
    done(&r);
    r = ask_of(large, "GET /networkmap",
               "Accept-Encoding: identity;q=0, br\r\n"); // always available
    ck_assert_int_eq(r.status, 200);
    done(&r);
    done(&plain);
    free(back);
    view_unref(large);
}
END_TEST

START_TEST(a018_a_small_body_is_not_compressed)
{
    struct resource *map = view_find(view, "/networkmap", NULL);

    ck_assert(rendering_encode(&map->rendering, CODING_GZIP));
    ck_assert_ptr_null(rendering_get(&map->rendering, CODING_GZIP));
}
END_TEST

START_TEST(an_answer_keeps_its_view)
{
    struct view *short_lived = load(NULL, NULL);
    struct response r = ask_of(short_lived, "GET /networkmap", "");

    view_unref(short_lived); // swapped out while the body is being sent
    json_t *json = json_of(&r);
    json_decref(json);
    done(&r);
}
END_TEST

START_TEST(equal_snapshots_give_equal_bytes) // D-040
{
    struct view *other = load(NULL, NULL);
    static const char *const lines[] = {"GET /", "GET /networkmap", "GET /costmap/hopcount"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct response a = ask(lines[i], ""), b = ask_of(other, lines[i], "");
        ck_assert_str_eq(a.fields, b.fields);
        ck_assert_uint_eq(a.body_length, b.body_length);
        ck_assert_mem_eq(a.body, b.body, a.body_length);
        done(&a);
        done(&b);
    }
    view_unref(other);
}
END_TEST

START_TEST(a_bad_snapshot_gives_no_view)
{
    struct view_options options = {0};
    struct error err;
    char want[600];

    fixture_publish(directory, "b.db", "UPDATE pid SET name = 'a b' WHERE pid_id = 0");
    ck_assert_ptr_null(view_load(directory, "b.db", &options, &err));
    (void)snprintf(want, sizeof want,
                   "%s/b.db: pid: row 1: name \"a b\"; 1 to 64 of A-Z a-z 0-9 - : @ _ expected",
                   directory);
    ck_assert_str_eq(err.text, want);
}
END_TEST

/* ---- Errors (part 4) ---- */

static const struct {
    struct alto_error error;
    const char *body;
} errors[] = {
    {{.code = "E_SYNTAX"}, "{\"meta\":{\"code\":\"E_SYNTAX\"}}"},
    {{.code = "E_SYNTAX", .syntax_error = "line 1: \"x\""},
     "{\"meta\":{\"code\":\"E_SYNTAX\",\"syntax-error\":\"line 1: \\\"x\\\"\"}}"},
    {{.code = "E_MISSING_FIELD", .field = "pids/dsts"},
     "{\"meta\":{\"code\":\"E_MISSING_FIELD\",\"field\":\"pids/dsts\"}}"},
    {{.code = "E_INVALID_FIELD_VALUE", .field = "pids", .value = "a\nb\\"},
     "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\",\"field\":\"pids\",\"value\":\"a\\u000ab\\\\\"}"
     "}"},
    {{.code = "E_INVALID_FIELD_VALUE", .value = "alone"}, // only with a field
     "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\"}}"},
};

START_TEST(a030_a031_errors)
{
    struct response r = {.arena = arena};

    alto_error_respond(&errors[_i].error, &r);
    ck_assert_int_eq(r.status, 400);
    ck_assert(has_field(&r, "Content-Type: application/alto-error+json"));
    ck_assert_uint_eq(r.body_length, strlen(errors[_i].body));
    ck_assert_mem_eq(r.body, errors[_i].body, r.body_length);
}
END_TEST

START_TEST(a031_a_long_value_is_cut_at_a_character)
{
    struct response r = {.arena = arena};
    struct alto_error error = {.code = "E_INVALID_FIELD_VALUE", .field = "f"};
    char value[400];

    memset(value, 'x', sizeof value);
    memcpy(value + 255, "\xc3\xa9zz", 5); // the letter is bytes 255 and 256: all of it goes
    error.value = value;
    alto_error_respond(&error, &r);
    json_t *json = json_of(&r);
    const char *sent = json_string_value(json_object_get(json_object_get(json, "meta"), "value"));
    ck_assert_uint_eq(strlen(sent), 255);
    json_decref(json);
}
END_TEST

/* ---- The operator's pages ---- */

START_TEST(d042_readiness)
{
    static const struct {
        struct views_state state;
        int64_t now_us;
        int status;
        const char *body;
    } rows[] = {
        {{false, 0, ""}, 1, 503, "not ready: no map yet: is altimeter-mapgen running?\n"},
        {{false, 0, "x.db: truncated"}, 1, 503, "not ready: no map yet: x.db: truncated\n"},
        {{true, 0, ""},
         1,
         503,
         "not ready: the map is not confirmed: is altimeter-mapgen running?\n"},
        {{true, 1000000, ""}, 6000000, 200, "ready: the map was confirmed 5 s ago\n"},
        {{true, 1000000, ""}, 61000000, 200, "ready: the map was confirmed 60 s ago\n"},
        {{true, 1000000, ""},
         61000001,
         503,
         "not ready: the map was confirmed 60 s ago: is altimeter-mapgen running?\n"},
        {{true, 9000000, ""},
         6000000,
         200,
         "ready: the map was confirmed 0 us ago\n"}, // clocks differ
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response r = {.arena = arena};
        operator_readiness(&rows[i].state, rows[i].now_us, &r);
        ck_assert_int_eq(r.status, rows[i].status);
        ck_assert_str_eq(r.body, rows[i].body);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("service");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a011_statuses, 0, (int)(sizeof statuses / sizeof *statuses));
    tcase_add_test(tests, a048_no_snapshot_is_503_everywhere);
    tcase_add_test(tests, a040_a043_a044_directory);
    tcase_add_test(tests, a041_the_plain_directory_knows_rfc7285_only);
    tcase_add_test(tests, a041_base_url_makes_uris_absolute);
    tcase_add_test(tests, a048_a_metric_without_values_is_not_offered);
    tcase_add_test(tests, a050_a054_network_map);
    tcase_add_test(tests, a055_a_pid_without_addresses_is_an_empty_object);
    tcase_add_test(tests, a051_a052_a070_a073_cost_map);
    tcase_add_test(tests, a071_costs_are_directed_and_an_alias_has_its_own_name);
    tcase_add_test(tests, a027_costs_are_sent_digit_by_digit);
    tcase_add_loop_test(tests, cost_maps_equal_a_plain_rendering, 1, 11);
    tcase_add_loop_test(tests, a085_a086_endpoint_properties, 0,
                        (int)(sizeof properties / sizeof *properties));
    tcase_add_test(tests, a085_an_endpoint_without_a_pid_is_an_empty_object);
    tcase_add_loop_test(tests, a030_a033_a087_each_mistake_of_a_request, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(tests, a053_a_prefix_in_two_pids_is_refused);
    tcase_add_loop_test(tests, a015_d031_conditional_requests, 0,
                        (int)(sizeof conditions / sizeof *conditions));
    tcase_add_test(tests, a041_one_resource_a_name);
    tcase_add_test(tests, a018_codings);
    tcase_add_test(tests, a018_a_small_body_is_not_compressed);
    tcase_add_test(tests, an_answer_keeps_its_view);
    tcase_add_test(tests, equal_snapshots_give_equal_bytes);
    tcase_add_test(tests, a_bad_snapshot_gives_no_view);
    tcase_add_loop_test(tests, a030_a031_errors, 0, (int)(sizeof errors / sizeof *errors));
    tcase_add_test(tests, a031_a_long_value_is_cut_at_a_character);
    tcase_add_test(tests, d042_readiness);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
