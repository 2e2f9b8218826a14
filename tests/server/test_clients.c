/* clients: counts within limits, against a plain list. */
#include "clients.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct prefix address(const char *text)
{
    struct prefix out;

    ck_assert(address_parse(text, &out));
    return out;
}

START_TEST(counts_in_all_and_by_client)
{
    struct clients *clients = clients_new(3, 2);
    struct prefix a = address("192.0.2.1"), b = address("192.0.2.2"), c = address("192.0.2.3");

    ck_assert_int_eq(clients_enter(clients, &a), CLIENTS_OK);
    ck_assert_int_eq(clients_enter(clients, &a), CLIENTS_OK);
    ck_assert_int_eq(clients_enter(clients, &a), CLIENTS_TOO_MANY_OF_ONE);
    ck_assert_int_eq(clients_enter(clients, &b), CLIENTS_OK);
    ck_assert_int_eq(clients_enter(clients, &c), CLIENTS_FULL);
    clients_leave(clients, &a);
    ck_assert_int_eq(clients_enter(clients, &c), CLIENTS_OK);
    ck_assert_uint_eq(clients_count(clients), 3);
    clients_limit(clients, 10, 1); // who is in stays in
    ck_assert_int_eq(clients_enter(clients, &a), CLIENTS_TOO_MANY_OF_ONE);
    clients_leave(clients, &a);
    clients_leave(clients, &b);
    clients_leave(clients, &c);
    clients_free(clients);
}
END_TEST

START_TEST(an_ipv6_client_is_a_64)
{
    struct clients *clients = clients_new(10, 1);
    struct prefix a = address("2001:db8::1"), same = address("2001:db8::ffff:1"),
                  other = address("2001:db8:0:1::1");

    ck_assert_int_eq(clients_enter(clients, &a), CLIENTS_OK);
    ck_assert_int_eq(clients_enter(clients, &same), CLIENTS_TOO_MANY_OF_ONE);
    ck_assert_int_eq(clients_enter(clients, &other), CLIENTS_OK);
    clients_leave(clients, &same); // the entry is the /64's
    clients_leave(clients, &other);
    clients_free(clients);
}
END_TEST

START_TEST(equals_a_plain_list)
{
    enum { CLIENTS = 3000, MOST_OF_ONE = 3, STEPS = 20000 };
    static unsigned counts[CLIENTS];
    unsigned seed = (unsigned)_i, total = 0;
    struct clients *clients = clients_new(2000, MOST_OF_ONE);

    memset(counts, 0, sizeof counts);
    for (int i = 0; i < STEPS; i++) {
        unsigned who = (unsigned)rand_r(&seed) % CLIENTS;
        struct prefix key = {.family = FAMILY_IPV4,
                             .length_bits = 32,
                             .bytes = {10, 0, (uint8_t)(who >> 8), (uint8_t)who}};
        if (rand_r(&seed) % 2 && counts[who]) {
            clients_leave(clients, &key);
            counts[who]--;
            total--;
            continue;
        }
        enum clients_verdict want = total >= 2000                ? CLIENTS_FULL
                                    : counts[who] >= MOST_OF_ONE ? CLIENTS_TOO_MANY_OF_ONE
                                                                 : CLIENTS_OK;
        ck_assert_int_eq(clients_enter(clients, &key), want);
        if (want == CLIENTS_OK) {
            counts[who]++;
            total++;
        }
    }
    for (unsigned who = 0; who < CLIENTS; who++)
        for (; counts[who]; counts[who]--)
            clients_leave(clients,
                          &(struct prefix){.family = FAMILY_IPV4,
                                           .bytes = {10, 0, (uint8_t)(who >> 8), (uint8_t)who}});
    ck_assert_uint_eq(clients_count(clients), 0);
    clients_free(clients);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clients");
    TCase *tests = tcase_create("clients");

    tcase_add_test(tests, counts_in_all_and_by_client);
    tcase_add_test(tests, an_ipv6_client_is_a_64);
    tcase_add_loop_test(tests, equals_a_plain_list, 1, 6);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
