/* What real routers sent, and what other projects test with (tests/data/README.md): it decodes to the values that
 * its sources and tshark give, and no damage to it does more than it touches.
 *
 * TEST_DATA is the folder of the data, TEST_SHARED one with larger streams; what is not there is skipped. */
#include "collector/bmp.h"
#include "update_fixture.h"
#include "update_text.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *load(const char *folder, const char *file)
{
    char path[512];

    if (!folder)
        return NULL;
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return json_load_file(path, 0, NULL);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- Captures ---- */

#define GONE_673(a, b, here, there)                                                                \
    "ls-gone nlri=0002004502000000000000000001000012020000040000fde802030006" a                    \
    "01010012020000040000fde802030006" b "01030004" here "01040004" there "\n"

static const struct {
    const char *id, *lines;
} expected[] = {
    {"exabgp-1", "link protocol=3 instance=0 local=0a0a0a0a/as1/id3232266878/area0 "
                 "remote=0a020202/as1/id3232266878/area0 no-attributes\n"},
    {"exabgp-2",
     "link protocol=3 instance=0 local=0a010101/as65001/id0/area0 "
     "remote=0a0104010a010102/as65001/id0/area0 here=10.1.1.1 there=10.1.1.2 metric=1\n"},
    {"exabgp-4", "link protocol=2 instance=2 local=192168252240/as3352/id178 "
                 "remote=192168252162/as3352/id178 ids=370,443 here=192.168.199.84 "
                 "there=192.168.199.85 metric=5000\n"},
    {"exabgp-5", "link protocol=2 instance=0 local=000100000001 remote=000100000002 here=10.0.0.0 "
                 "there=10.0.0.1"
                 " metric=10 te-metric=20 admin-group=0 max=1000000000 reservable=1000000000 "
                 "other=044300204cee6b284cee6b284cee6b284cee6b284cee6b284cee6b284cee6b284cee6b28"
                 "044b000730000000049310044b0007700000000493"
                 "00\n"},
    {"exabgp-7", "node protocol=1 instance=4 local=192168251231/as64531/id139 "
                 "name=\"HL5MMT1-107-IXR-R6\" flags=0 area=4900000000ff980000 "
                 "ipv4=192.168.175.49,192.168.175.51,192.168.251.231\n"},
    {"exabgp-8", "prefix protocol=2 instance=700 local=010135000041/as15924/id0 "
                 "prefix=10.134.2.88/30 metric=100 flags=0\n"},
    {"junos-960-node", "node protocol=2 instance=0 local=000100000001 name=\"R1\" flags=0 "
                       "area=490001 ipv4=1.1.1.1,11.11.11.11\n"},
    {"iosxe-743-prefix", "prefix protocol=3 instance=0 local=0ac5ff04/as65533/id0/area0 "
                         "prefix=10.114.51.168/31 route-type=2 metric=1020\n"},
    {"823-link-to-pseudonode", "link protocol=1 instance=0 local=192168057001/as1/id0 "
                               "remote=19216805800101/as1/id0 metric=10\n"},
    {"842-prefix", "prefix protocol=1 instance=0 local=003003003003/as1/id0 "
                   "prefix=10.10.11.0/24 metric=10 flags=0\n"},
    {"892-six-prefixes", "prefix protocol=3 instance=0 local=c0a80005/as1/id0/area1 "
                         "prefix=192.168.0.10/32 route-type=2 metric=4\n"
                         "prefix protocol=3 instance=0 local=c0a80004/as1/id0/area1 "
                         "prefix=192.168.0.10/32 route-type=2 metric=4\n"
                         "prefix protocol=3 instance=0 local=c0a80004/as1/id0/area1 "
                         "prefix=192.168.0.9/32 route-type=2 metric=4\n"
                         "prefix protocol=3 instance=0 local=c0a80005/as1/id0/area1 "
                         "prefix=192.168.0.8/32 route-type=2 metric=4\n"
                         "prefix protocol=3 instance=0 local=c0a80004/as1/id0/area1 "
                         "prefix=10.0.0.56/30 route-type=2 metric=4\n"
                         "prefix protocol=3 instance=0 local=c0a80005/as1/id0/area1 "
                         "prefix=10.0.0.52/30 route-type=2 metric=4\n"},
    {"junos-678-withdraw",
     GONE_673("100000000006", "100000000004", "c633641e", "c633641d")
         GONE_673("100000000002", "100000000004", "c6336409", "c633640a")
             GONE_673("100000000004", "100000000003", "c6336412", "c6336411")
                 GONE_673("100000000005", "100000000004", "c6336422", "c6336421")},
    {"junos-653-node", "node protocol=2 instance=0 local=100000000004/as65000 name=\"Core2\" "
                       "flags=0 area=490004 ipv4=192.0.2.4\n"},
    {"odl-up1", "end-of-rib family=2\n"},
    {"odl-up2", "link protocol=3 instance=1 local=030303040b0b0b03/as100/id421075201/area0 "
                "remote=03030304/as100/id421075201/area0 here=11.11.11.3 metric=1\n"
                "link protocol=3 instance=1 local=030303040b0b0b03/as100/id421075201/area0 "
                "remote=01010102/as100/id421075201/area0 here=11.11.11.1 metric=1\n"
                "link protocol=3 instance=1 local=01010102/as100/id421075201/area0 "
                "remote=030303040b0b0b03/as100/id421075201/area0 here=11.11.11.1 metric=1\n"},
    {"onos-Msg2-147", "prefix protocol=1 instance=1001 local=00000000002b/as100/id0 "
                      "prefix=2001:5b0:4321::/64 topology=2 metric=10 flags=0\n"
                      "prefix protocol=1 instance=1001 local=00000000001b/as100/id0 "
                      "prefix=2001:5b0:4321::/64 topology=2 metric=10 flags=0\n"
                      "prefix protocol=1 instance=1001 local=00000000001b/as100/id0 "
                      "prefix=2001:5b0:8::/64 topology=2 metric=10 flags=0\n"},
    {"onos-Msg2-265", "node protocol=1 instance=1001 local=00000000002b/as100/id0 "
                      "name=\"bgp_onos_router-2\" topologies=2 area=490001\n"},
};

static json_t *find(const char *id)
{
    const char *const files[] = {"bgp-ls/captures.json", "bgp-ls/test-vectors.json"};

    for (size_t i = 0; i < 2; i++) {
        json_t *list = load(getenv("TEST_DATA"), files[i]);
        json_t *item, *found = NULL;
        size_t at;
        ck_assert_ptr_nonnull(list);
        json_array_foreach(list, at, item) if (strcmp(text_of(item, "id"), id) == 0) found = item;
        json_incref(found);
        json_decref(list);
        if (found)
            return found;
    }
    return NULL;
}

START_TEST(captures_decode)
{
    json_t *capture = find(expected[_i].id);
    ck_assert_ptr_nonnull(capture);
    struct octets message = update_text_octets(text_of(capture, "update_hex"));

    ck_assert_str_eq(fixture_say_message(message), expected[_i].lines);
    update_text_free(message);
    json_decref(capture);
}
END_TEST

/* exabgp-6: every delay of its attribute; 1116 of 0 is not measured (L-064), the top level goes before flexible
 * algorithm, which alone has a TE metric (L-067), with a maximum below the minimum (L-069). */
START_TEST(l064_l067_l069_in_a_real_attribute)
{
    json_t *capture = find("exabgp-6");
    ck_assert_ptr_nonnull(capture);
    struct octets message = update_text_octets(text_of(capture, "update_hex"));
    const char *said = fixture_say_message(message);

    ck_assert_ptr_nonnull(strstr(said, " ids=39,53 topology=2 metric=10 te-metric=10 "
                                       "max=10000000000 delay=10 delay-min=10 delay-max=10 "
                                       "local-ipv4=10.0.202.1 local-ipv6=fc00:1000:112::1 "
                                       "remote-ipv4=10.0.2.1 remote-ipv6=fc00:1000:2::1 "));
    update_text_free(message);
    json_decref(capture);
}
END_TEST

/* ---- Damage ---- */

enum { SEEDS = 40 };

/* A prefix of a message, its length made true, says nothing that cannot be said; ASan sees the rest. */
static void cut(struct octets message)
{
    for (size_t length = 0; length < message.length; length++) {
        uint8_t *bytes = memory_alloc(length, 1); // to the byte, for the sanitizer
        if (length)
            memcpy(bytes, message.bytes, length);
        if (length >= 18) {
            bytes[16] = (uint8_t)(length >> 8);
            bytes[17] = (uint8_t)length;
        }
        (void)fixture_say_message((struct octets){.bytes = bytes, .length = length});
        free(bytes);
    }
}

static void flip(struct octets message, unsigned seed)
{
    uint8_t *bytes = memcpy(memory_alloc(message.length, 1), message.bytes, message.length);

    for (unsigned flips = 1 + (unsigned)rand_r(&seed) % 4; flips; flips--) {
        size_t at = 19 + (size_t)rand_r(&seed) % (message.length - 19);
        bytes[at] = (uint8_t)(rand_r(&seed) & 0xff);
    }
    (void)fixture_say_message((struct octets){.bytes = bytes, .length = message.length});
    free(bytes);
}

START_TEST(damaged_messages_do_no_harm)
{
    const char *file = _i ? "bgp-ls/test-vectors.json" : "bgp-ls/captures.json";
    json_t *list = load(getenv("TEST_DATA"), file);
    json_t *item;
    size_t at;

    ck_assert_ptr_nonnull(list);
    json_array_foreach(list, at, item)
    {
        struct octets message = update_text_octets(text_of(item, "update_hex"));
        cut(message);
        for (unsigned seed = 0; seed < SEEDS; seed++)
            flip(message, seed);
        update_text_free(message);
    }
    json_decref(list);
}
END_TEST

/* ---- BMP streams ---- */

struct heard {
    unsigned routers, peers_up, peers_down, routes, gone, ends, faults, others;
};

static void on_router(void *context, const struct bmp_router *router)
{
    struct heard *heard = context;

    ck_assert_ptr_nonnull(router->name);
    heard->routers++;
}

static void on_router_down(void *context, const struct bmp_router *router, const char *reason)
{
    (void)context;
    (void)router;
    (void)reason;
}

static struct bmp_wanted on_peer_up(void *context, const struct bmp_router *router,
                                    const struct bmp_peer *peer)
{
    struct heard *heard = context;

    (void)router;
    (void)peer;
    heard->peers_up++;
    return (struct bmp_wanted){.peer_id = 1, .families = {true, true, true}};
}

static void on_peer_down(void *context, const struct bmp_router *router,
                         const struct bmp_peer *peer, int64_t peer_id, enum bmp_down down,
                         const char *reason)
{
    struct heard *heard = context;

    (void)router;
    (void)peer;
    (void)peer_id;
    (void)reason;
    if (down != BMP_DOWN_CONNECTION)
        heard->peers_down++;
}

static void take(void *context, const struct update *update)
{
    struct heard *heard = context;

    switch (update->kind) {
    case UPDATE_ROUTE:
        heard->routes++;
        break;
    case UPDATE_ROUTE_GONE:
        heard->gone++;
        break;
    case UPDATE_END_OF_RIB:
        heard->ends++;
        break;
    case UPDATE_FAULT:
        heard->faults++;
        break;
    default:
        heard->others++;
        break;
    }
}

static struct bmp_session *session_for(struct heard *heard)
{
    const struct prefix nowhere = {0};
    struct bmp_handler handler = {.context = heard,
                                  .sink = {.context = heard, .take = take},
                                  .on_router_up = on_router,
                                  .on_router_down = on_router_down,
                                  .on_peer_up = on_peer_up,
                                  .on_peer_down = on_peer_down};

    return bmp_session_new(&handler, &nowhere, 0, NULL);
}

/* The FRR of the third stream withdraws before policy what it announces behind it (L-136); that of the fifth, an older
 * one, leaves NEXT_HOP out of what it sends for IPv4: treated as withdrawn. */
static const struct {
    const char *file;
    bool shared;
    struct heard heard;
} streams[] = {
    {"bmp/huawei-locrib.json", false, {1, 18, 0, 5, 0, 2, 0, 0}},
    {"bmp/cisco-rd-instance.json", false, {1, 42, 0, 235, 0, 36, 0, 0}},
    {"bmp/frr-views.json", false, {1, 4, 2, 16, 2, 4, 0, 0}},
    {"bmp/cisco-peer-down.json", true, {1, 10, 3, 49, 23, 3, 0, 0}},
    {"bmp/6wind-frr-peer-down.json", true, {1, 8, 2, 2, 140, 0, 143, 0}},
    {"bmp/cisco-locrib-vrf.json", true, {1, 19, 1, 736, 18, 24, 0, 0}},
};

static json_t *stream_messages(int index, json_t **file)
{
    *file = load(getenv(streams[index].shared ? "TEST_SHARED" : "TEST_DATA"), streams[index].file);
    ck_assert(*file || streams[index].shared);
    return json_object_get(*file, "messages_hex");
}

START_TEST(bmp_streams_decode)
{
    struct heard heard = {0};
    struct bmp_session *session = session_for(&heard);
    json_t *file, *item;
    json_t *messages = stream_messages(_i, &file);
    struct error err;
    size_t at;

    json_array_foreach(messages, at, item)
    {
        struct octets message = update_text_octets(json_string_value(item));
        ck_assert_msg(bmp_session_take(session, message, 1, &err), "%zu: %s", at, err.text);
        update_text_free(message);
    }
    if (messages)
        ck_assert_mem_eq(&heard, &streams[_i].heard, sizeof heard);
    bmp_session_free(session);
    json_decref(file);
}
END_TEST

/* Every message cut short and with bytes changed, its length made true, in the order of the stream. */
START_TEST(damaged_streams_do_no_harm)
{
    struct heard heard = {0};
    struct bmp_session *session = session_for(&heard);
    json_t *file, *item;
    json_t *messages = stream_messages(_i, &file);
    struct error err;
    unsigned seed = (unsigned)_i;
    size_t at;

    json_array_foreach(messages, at, item)
    {
        struct octets message = update_text_octets(json_string_value(item));
        for (int i = 0; i < SEEDS; i++) {
            size_t length =
                i % 2 ? 6 + (size_t)rand_r(&seed) % (message.length - 5) : message.length;
            uint8_t *bytes = memcpy(memory_alloc(length, 1), message.bytes, length);
            for (unsigned flips = (unsigned)i % 5; flips; flips--)
                bytes[5 + (size_t)rand_r(&seed) % (length - 5)] = (uint8_t)(rand_r(&seed) & 0xff);
            bytes[3] = (uint8_t)(length >> 8);
            bytes[4] = (uint8_t)length;
            (void)bmp_session_take(session, (struct octets){.bytes = bytes, .length = length}, 1,
                                   &err);
            free(bytes);
        }
        update_text_free(message);
    }
    bmp_session_close(session, "the end");
    bmp_session_free(session);
    json_decref(file);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("captures");
    TCase *tc = tcase_create("captures");

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 60); // under the sanitizers
    tcase_add_loop_test(tc, captures_decode, 0, ROWS(expected));
    tcase_add_test(tc, l064_l067_l069_in_a_real_attribute);
    tcase_add_loop_test(tc, damaged_messages_do_no_harm, 0, 2);
    tcase_add_loop_test(tc, bmp_streams_decode, 0, ROWS(streams));
    tcase_add_loop_test(tc, damaged_streams_do_no_harm, 0, ROWS(streams));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
