/* altimeter.yaml: the defaults, every kind of mistake with its exact message, and the two documents made
 * from the table of keys. */
#include "lib/config.h"
#include "lib/config_keys.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration and all that was told of it. */
struct outcome {
    struct config *config;
    char *told;
    size_t told_length;
    struct error err;
};

static struct outcome parse_bytes(const char *text, size_t length)
{
    struct outcome outcome = {0};
    FILE *problems = open_memstream(&outcome.told, &outcome.told_length);

    ck_assert_ptr_nonnull(problems);
    outcome.config = config_parse("f", text, length, problems, &outcome.err);
    ck_assert_int_eq(fclose(problems), 0);
    return outcome;
}

static struct outcome parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void outcome_free(struct outcome *outcome)
{
    config_free(outcome->config);
    free(outcome->told);
}

/* One neighbour of which nothing but its last line is in question; that is line 7, in column 7. */
#define SPEAKER                                                                                    \
    "speaker:\n"                                                                                   \
    "  asn: 64500\n"                                                                               \
    "  router_id: 192.0.2.10\n"                                                                    \
    "  neighbours:\n"
#define RR1                                                                                        \
    "    - name: rr1\n"                                                                            \
    "      address: 192.0.2.1\n"
#define ONE SPEAKER RR1 "      "

static const struct {
    const char *text, *told;
} mistakes[] = {
    // the file
    {"a: b: c\n", "f:1:5: mapping values are not allowed in this context\n"},
    {"speaker:\n\tasn: 1\n", "f:2:1: a tab; YAML is indented with spaces\n"},
    {"log: @\n", "f:1:6: found character that cannot start any token, while scanning for the next "
                 "token (line 1)\n"},
    {"log: [\n", "f:2:1: did not find expected node content, while parsing a flow node (line 2)\n"},
    {"log: \xff\n", "f:1:6: invalid leading UTF-8 octet (0xff); expected UTF-8 text\n"},
    {"# caf\xc3\xa9\nlog: \xc3\xa9\xc3\x28\n",
     "f:2:8: invalid trailing UTF-8 octet (0x28); expected UTF-8 text\n"},
    {"log: \x01\n", "f:1:6: control characters are not allowed (0x01); expected UTF-8 text\n"},
    {"log:\n---\nlog:\n", "f:2:1: a second document; expected one\n"},
    {"[[[[[[[[[[[[[[[[[", "f:1:17: more than 16 levels\n"},
    {"5\n", "f:1:1: a single value; expected keys such as 'speaker:'\n"},
    {"- speaker\n", "f:1:1: a list; expected keys such as 'speaker:'\n"},
    // what YAML offers and this configuration does not take
    {"log: &a\n  level: info\n", "f:1:6: anchor '&a'; expected the value alone\n"},
    {"log:\n  level: &a info\n", "f:2:10: anchor '&a'; expected the value alone\n"},
    {"log: &a {level: info}\nmap: *a\n", "f:1:6: anchor '&a'; expected the value alone\n"
                                         "f:1:10: map.level: unknown key; did you mean log.level?\n"
                                         "f:2:6: alias '*a'; expected the value itself\n"},
    {"log:\n  <<: {level: info}\n", "f:2:3: merge '<<'; expected the keys themselves\n"},
    {"log:\n  level: !!str info\n",
     "f:2:10: tag 'tag:yaml.org,2002:str'; expected the value alone\n"},
    {"log: !%0a%1b {}\n", "f:1:6: tag '!\\x0a\\x1b'; expected the value alone\n"},
    {"log: !x {}\n", "f:1:6: tag '!x'; expected the value alone\n"},
    // keys
    {"speeker:\n", "f:1:1: speeker: unknown key; did you mean 'speaker'?\n"},
    {"speaker:\n  ans: 1\n", "f:2:3: speaker.ans: unknown key; did you mean 'asn'?\n"},
    {"asn: 1\n", "f:1:1: asn: unknown key; did you mean speaker.asn?\n"},
    {"log:\n  colour: red\n", "f:2:3: log.colour: unknown key; expected one of level\n"},
    {"log:\n  \"level\\0\": info\n", "f:2:3: log.level\\x00: unknown key; did you mean 'level'?\n"},
    {ONE "adress: 192.0.2.9\n",
     "f:7:7: speaker.neighbours[].adress: unknown key; did you mean 'address'?\n"},
    {"log:\n  level: info\n  level: debug\n", "f:3:3: log.level: stands twice; first in line 2\n"},
    {"log:\nmap:\nlog:\n", "f:3:1: log: stands twice; first in line 1\n"},
    {"? [a]\n: b\n", "f:1:3: a list as a key; expected a word\n"},
    // kinds
    {"log: info\n", "f:1:6: log: a single value; expected keys with values\n"},
    {"log: [info]\n", "f:1:6: log: a list; expected keys with values\n"},
    {"log:\n  level:\n",
     "f:2:9: log.level: no value; expected one of error, warning, info, debug\n"},
    {"map:\n  name: ~\n", "f:2:9: map.name: no value; expected 1 to 64 of A-Z a-z 0-9 - : @ _\n"},
    {"speaker:\n  asn: [1]\n",
     "f:2:8: speaker.asn: a list; expected an AS number other than 23456, from 1 to 4294967294\n"},
    {"server:\n  listen: 127.0.0.1:80\n",
     "f:2:11: server.listen: a single value; expected a list of ADDRESS:PORT or [IPV6]:PORT\n"},
    {"server:\n  listen: []\n",
     "f:2:11: server.listen: an empty list; expected at least one item\n"},
    {"speaker:\n  neighbours: {name: a}\n",
     "f:2:15: speaker.neighbours: keys with values; expected a list of neighbours\n"},
    {SPEAKER "    - rr1\n",
     "f:5:7: speaker.neighbours: a single value; expected a neighbour's keys "
     "with values\n"},
    {SPEAKER "    - name: rr1\n",
     "f:5:7: speaker.neighbours[].address: missing; expected an IPv4 or IPv6 address\n"},
    {SPEAKER "    - address: 192.0.2.1\n", "f:5:7: speaker.neighbours[].name: missing; expected 1 "
                                           "to 64 of A-Z a-z 0-9 - : @ _ and dots\n"},
    // values
    {"speaker:\n  manage: yes\n", "f:2:11: speaker.manage: value 'yes'; expected true or false\n"},
    {"server:\n  threads: -1\n",
     "f:2:12: server.threads: value '-1'; expected a whole number, from 0 to 256\n"},
    {"server:\n  threads: 257\n",
     "f:2:12: server.threads: value '257'; expected a whole number, from 0 to 256\n"},
    {"server:\n  threads: 0x10\n",
     "f:2:12: server.threads: value '0x10'; expected a whole number, from 0 to 256\n"},
    {"server:\n  threads: \"1\\0\"\n",
     "f:2:12: server.threads: value '1\\x00'; expected a whole number, from 0 to 256\n"},
    {"speaker:\n  listen_port: 65536\n",
     "f:2:16: speaker.listen_port: value '65536'; expected a port, from 1 to 65535\n"},
    {"speaker:\n  asn: 23456\n",
     "f:2:8: speaker.asn: value '23456'; expected an AS number other than "
     "23456, from 1 to 4294967294\n"},
    {"speaker:\n  asn: 1.10\n",
     "f:2:8: speaker.asn: value '1.10'; expected an AS number other than "
     "23456, from 1 to 4294967294\n"},
    {"map:\n  settle: 5\n",
     "f:2:11: map.settle: value '5'; expected a duration in ms, s, min, h or "
     "d such as 350ms or 10s, from 1ms to 1h\n"},
    {"map:\n  settle: 2h\n",
     "f:2:11: map.settle: value '2h'; expected a duration in ms, s, min, h or "
     "d such as 350ms or 10s, from 1ms to 1h\n"},
    {"map:\n  settle: 99999999999999999999h\n",
     "f:2:11: map.settle: value '99999999999999999999h'; expected a duration in ms, s, min, h or d "
     "such as 350ms or 10s, from 1ms to 1h\n"},
    {ONE "hold_time: 3500ms\n",
     "f:7:18: speaker.neighbours[].hold_time: value '3500ms'; expected a duration of whole seconds "
     "such as 90s, from 3s to 65535s\n"},
    {"snapshots:\n  max_bytes: 8G\n", "f:2:14: snapshots.max_bytes: value '8G'; expected a size "
                                      "such as 500MB, 8GB or 8GiB, from 1MB "
                                      "to 1000TB\n"},
    {"log:\n  level: loud\n",
     "f:2:10: log.level: value 'loud'; expected one of error, warning, info, debug\n"},
    {"map:\n  name: a/b\n",
     "f:2:9: map.name: value 'a/b'; expected 1 to 64 of A-Z a-z 0-9 - : @ _\n"},
    {"map:\n  name: ..\n",
     "f:2:9: map.name: value '..'; expected 1 to 64 of A-Z a-z 0-9 - : @ _\n"},
    {"map:\n  default_pid: \"\"\n",
     "f:2:16: map.default_pid: value ''; expected 1 to 64 of A-Z a-z 0-9 - : @ _\n"},
    {"map:\n  default_pid: caf\xc3\xa9\n",
     "f:2:16: map.default_pid: value 'caf\\xc3\\xa9'; expected 1 to 64 of A-Z a-z 0-9 - : @ _\n"},
    {"state:\n  directory: var\n",
     "f:2:14: state.directory: value 'var'; expected a path that begins with /\n"},
    {"state:\n  directory: \"/a\\nb\"\n",
     "f:2:14: state.directory: value '/a\\x0ab'; expected a path that begins with /\n"},
    {"server:\n  tls_certificate: /nowhere\n  tls_key: /nowhere\n",
     "f:2:20: server.tls_certificate: file '/nowhere': No such file or directory\n"
     "f:3:12: server.tls_key: file '/nowhere': No such file or directory\n"},
    {"server:\n  tls_certificate: /tmp\n  tls_key: /tmp\n",
     "f:2:20: server.tls_certificate: '/tmp' is not a file\n"
     "f:3:12: server.tls_key: '/tmp' is not a file\n"},
    {"server:\n  base_url: alto.example.net\n",
     "f:2:13: server.base_url: value 'alto.example.net'; expected http:// or https:// with a host "
     "and "
     "perhaps a path\n"},
    {"server:\n  base_url: http://a/?b\n",
     "f:2:13: server.base_url: value 'http://a/?b'; expected http:// or https:// with a host and "
     "perhaps a path\n"},
    {"server:\n  base_url: http://user@host\n",
     "f:2:13: server.base_url: value 'http://user@host'; expected http:// or https:// with a host "
     "and "
     "perhaps a path\n"},
    {"speaker:\n  listen_address: 192.0.2\n",
     "f:2:19: speaker.listen_address: value '192.0.2'; expected an IPv4 or IPv6 address\n"},
    {"speaker:\n  router_id: 0.0.0.0\n",
     "f:2:14: speaker.router_id: value '0.0.0.0'; expected an IPv4 address other than 0.0.0.0\n"},
    {"speaker:\n  router_id: 2001:db8::1\n", "f:2:14: speaker.router_id: value '2001:db8::1'; "
                                             "expected an IPv4 address other than 0.0.0.0\n"},
    {"bmp:\n  listen: 127.0.0.1\n",
     "f:2:11: bmp.listen: value '127.0.0.1'; expected ADDRESS:PORT or [IPV6]:PORT\n"},
    {"bmp:\n  listen: \"::1:80\"\n", // an IPv6 address needs its brackets
     "f:2:11: bmp.listen: value '::1:80'; expected ADDRESS:PORT or [IPV6]:PORT\n"},
    {"bmp:\n  listen: \"[127.0.0.1]:80\"\n",
     "f:2:11: bmp.listen: value '[127.0.0.1]:80'; expected ADDRESS:PORT or [IPV6]:PORT\n"},
    {"bmp:\n  listen: 127.0.0.1:0\n",
     "f:2:11: bmp.listen: value '127.0.0.1:0'; expected ADDRESS:PORT or [IPV6]:PORT\n"},
    {"bmp:\n  listen: unix:/run/a\n",
     "f:2:11: bmp.listen: value 'unix:/run/a'; expected ADDRESS:PORT or [IPV6]:PORT\n"},
    {"speaker:\n  api: unix:run/a\n",
     "f:2:8: speaker.api: value 'unix:run/a'; expected ADDRESS:PORT, [IPV6]:PORT or unix:/PATH\n"},
    {ONE "families: [ipv4-unicast, vpnv4]\n",
     "f:7:32: speaker.neighbours[].families: value 'vpnv4'; expected one of ipv4-unicast, "
     "ipv6-unicast, link-state\n"},
    {ONE "families: [link-state, link-state]\n",
     "f:7:30: speaker.neighbours[].families: value 'link-state' stands twice\n"},
    {"server:\n  listen: [127.0.0.1:80, 127.0.0.1:80]\n",
     "f:2:26: server.listen: value '127.0.0.1:80' stands twice\n"},
    // values against each other
    {"speaker:\n  neighbours:\n" RR1,
     "f:2:3: speaker.asn: missing; expected an AS number other than 23456, from 1 to 4294967294, "
     "because neighbours are configured\n"
     "f:2:3: speaker.router_id: missing; expected an IPv4 address other than 0.0.0.0, because "
     "neighbours are configured\n"},
    {"speaker:\n  asn: x\n  router_id: 192.0.2.10\n  neighbours:\n" RR1, // is not missing too
     "f:2:8: speaker.asn: value 'x'; expected an AS number other than 23456, from 1 to "
     "4294967294\n"},
    {SPEAKER RR1 "    - name: rr1\n      address: 192.0.2.2\n",
     "f:7:7: speaker.neighbours[].name: value 'rr1' is also that of line 5; expected another\n"},
    {SPEAKER RR1 "    - name: rr2\n      address: 192.0.2.1\n",
     "f:8:7: speaker.neighbours[].address: value '192.0.2.1' is also that of line 6; expected "
     "another\n"},
    {SPEAKER "    - name: rr1\n      address: 224.0.0.5\n",
     "f:6:7: speaker.neighbours[].address: value '224.0.0.5'; expected the address of one "
     "router\n"},
    {SPEAKER "    - name: rr1\n      address: 0.0.0.0\n",
     "f:6:7: speaker.neighbours[].address: value '0.0.0.0'; expected the address of one router\n"},
    {ONE "local_address: 2001:db8::1\n", "f:7:7: speaker.neighbours[].local_address: value "
                                         "'2001:db8::1'; expected an IPv4 address like "
                                         "the neighbour's\n"},
    {ONE "local_address: 192.0.2.1\n",
     "f:7:7: speaker.neighbours[].local_address: value '192.0.2.1'; expected another than the "
     "neighbour's\n"},
    {ONE "passive: true\n", "f:7:7: speaker.neighbours[].passive: value 'true' without "
                            "speaker.listen_address; nobody would "
                            "hear the neighbour\n"},
    {"speaker:\n  api: 192.0.2.1:50051\n",
     "f:2:3: speaker.api: value '192.0.2.1:50051'; expected a Unix socket or a loopback address: "
     "whoever reaches it injects routes\n"},
    {"server:\n  tls_certificate: /dev/null/x\n",
     "f:2:3: server.tls_certificate: without server.tls_key; expected both\n"
     "f:2:20: server.tls_certificate: file '/dev/null/x': Not a directory\n"},
    {"server:\n  tls_key: /dev/null/x\n",
     "f:2:3: server.tls_key: without server.tls_certificate; expected both\n"
     "f:2:12: server.tls_key: file '/dev/null/x': Not a directory\n"},
    {"bmp:\n  listen: 127.0.0.1:8080\n",
     "f:2:3: server.listen: value '127.0.0.1:8080' is also bmp.listen; expected another\n"},
    {"server:\n  operator_listen: 127.0.0.1:8080\n",
     "f:2:3: server.operator_listen: value '127.0.0.1:8080' is also server.listen; expected "
     "another\n"},
    // several at once, in the order of the file
    {"log:\n  level: x\nmap:\n  settle: y\n  nmae: z\n",
     "f:2:10: log.level: value 'x'; expected one of error, warning, info, debug\n"
     "f:4:11: map.settle: value 'y'; expected a duration in ms, s, min, h or d such as 350ms or "
     "10s, "
     "from 1ms to 1h\n"
     "f:5:3: map.nmae: unknown key; did you mean 'name'?\n"},
};

START_TEST(tells_every_mistake)
{
    struct outcome outcome = parse(mistakes[_i].text);
    size_t first = strcspn(mistakes[_i].told, "\n");

    ck_assert_str_eq(outcome.told, mistakes[_i].told);
    ck_assert_ptr_null(outcome.config);
    ck_assert_int_eq(outcome.err.kind, ERROR_INPUT);
    ck_assert_int_eq(strncmp(outcome.err.text, mistakes[_i].told, first), 0);
    outcome_free(&outcome);
}
END_TEST

static const struct {
    const char *text, *told;
} warnings[] = {
    {"server:\n  listen: [\"[::]:8080\"]\n", "f:2:3: warning: server.listen: '[::]:8080' is "
                                             "reached from other machines without TLS; the map "
                                             "is the network's plan\n"},
    {"bmp:\n  listen: 192.0.2.1:11019\n",
     "f:2:3: warning: bmp.listen: '192.0.2.1:11019' is reached from other machines; BMP has no "
     "passwords\n"},
    {"server:\n  operator_listen: 192.0.2.1:9671\n",
     "f:2:3: warning: server.operator_listen: '192.0.2.1:9671' is reached from other machines "
     "without "
     "a password\n"},
};

START_TEST(a_warning_does_not_refuse_the_file)
{
    struct outcome outcome = parse(warnings[_i].text);

    ck_assert_ptr_nonnull(outcome.config);
    ck_assert_str_eq(outcome.told, warnings[_i].told);
    ck_assert_uint_eq(outcome.config->warning_count, 1);
    ck_assert_int_eq(
        strncmp(outcome.config->warnings[0], outcome.told, strlen(outcome.config->warnings[0])), 0);
    outcome_free(&outcome);
}
END_TEST

static void assert_endpoint(const struct endpoint *endpoint, const char *text)
{
    ck_assert_str_eq(endpoint->text, text);
}

/* Every default once, as docs/design.md and the programs rely on it. */
static void assert_defaults(const struct config *config)
{
    ck_assert_str_eq(config->state.directory, "/var/lib/altimeter");
    ck_assert_str_eq(config->state.database, "/var/lib/altimeter/state.db");
    ck_assert_int_eq(config->state.keep_tombstones_us, 3600000000);
    ck_assert_uint_eq(config->speaker.asn, 0);
    ck_assert_uint_eq(config->speaker.router_id.family, 0);
    ck_assert(config->speaker.manage);
    assert_endpoint(&config->speaker.api, "unix:/run/altimeter/gobgpd.sock");
    ck_assert(config->speaker.api.is_unix);
    ck_assert_str_eq(config->speaker.api.path, "/run/altimeter/gobgpd.sock");
    ck_assert_uint_eq(config->speaker.listen_address.family, 0);
    ck_assert_uint_eq(config->speaker.listen_port, 179);
    ck_assert_uint_eq(config->speaker.neighbour_count, 0);
    assert_endpoint(&config->bmp.listen, "127.0.0.1:11019");
    ck_assert_uint_eq(config->bmp.listen.port, 11019);
    ck_assert_int_eq(config->collector.hold_us, 600000000);
    ck_assert_int_eq(config->collector.assume_end_of_rib_us, 30000000);
    ck_assert_int_eq(config->collector.heartbeat_us, 10000000);
    ck_assert_int_eq(config->collector.batch_us, 10000);
    ck_assert_uint_eq(config->collector.batch_size, 50000);
    ck_assert_int_eq(config->collector.meter_us, 1000000);
    ck_assert_uint_eq(config->collector.max_routes, 5000000);
    ck_assert_uint_eq(config->collector.max_link_state, 500000);
    ck_assert_str_eq(config->map.name, "default");
    ck_assert_str_eq(config->map.default_pid, "default");
    ck_assert_int_eq(config->map.settle_us, 1000000);
    ck_assert_int_eq(config->map.start_wait_us, 120000000);
    ck_assert(config->map.delay_use_minimum);
    ck_assert_str_eq(config->snapshots.directory, "/var/lib/altimeter/snapshots");
    ck_assert_str_eq(config->snapshots.map_directory, "/var/lib/altimeter/snapshots/default");
    ck_assert_uint_eq(config->snapshots.keep, 100);
    ck_assert_int_eq(config->snapshots.keep_for_us, 86400000000);
    ck_assert_uint_eq(config->snapshots.max_bytes, 8000000000);
    ck_assert_uint_eq(config->server.listen_count, 1);
    assert_endpoint(&config->server.listen[0], "127.0.0.1:8080");
    ck_assert_ptr_null(config->server.tls_certificate);
    ck_assert_ptr_null(config->server.tls_key);
    ck_assert_ptr_null(config->server.base_url);
    ck_assert_uint_eq(config->server.threads, 0);
    ck_assert_uint_eq(config->server.max_connections, 10000);
    ck_assert_uint_eq(config->server.max_connections_per_client, 1000);
    ck_assert_int_eq(config->server.request_timeout_us, 10000000);
    ck_assert_int_eq(config->server.idle_timeout_us, 60000000);
    ck_assert_int_eq(config->server.max_age_us, 1000000);
    assert_endpoint(&config->server.operator_listen, "127.0.0.1:9671");
    ck_assert_int_eq(config->log.level, LEVEL_INFO);
    ck_assert_uint_eq(config->warning_count, 0);
}

static const char *const empty[] = {
    "",
    "\n",
    "# nothing\n",
    "---\n",
    "--- ~\n...\n",
    "\xef\xbb\xbf# a byte order mark\n",
    "{}\n",
    "state:\nlog:\n", // all keys of the sections commented out
    "speaker:\n  neighbours:\n",
    "speaker:\n  neighbours: []\n",
};

START_TEST(an_empty_file_is_the_defaults)
{
    struct outcome outcome = parse(empty[_i]);

    ck_assert_str_eq(outcome.told, "");
    ck_assert_ptr_nonnull(outcome.config);
    assert_defaults(outcome.config);
    outcome_free(&outcome);
}
END_TEST

static const char whole[] = "state:\n"
                            "  directory: /srv/a/\n"
                            "speaker:\n"
                            "  asn: 4200000000\n"
                            "  router_id: \"192.0.2.10\"\n"
                            "  manage: false\n"
                            "  api: 127.0.0.1:50051\n"
                            "  listen_address: 2001:db8::10\n"
                            "  neighbours:\n"
                            "    - name: rr1.mad\n"
                            "      address: 192.0.2.1\n"
                            "    - name: rr2\n"
                            "      address: 2001:db8::2\n"
                            "      port: 1790\n"
                            "      asn: 64501\n"
                            "      local_address: 2001:db8::10\n"
                            "      families: [link-state]\n"
                            "      unicast: grpc\n"
                            "      hold_time: 3min\n"
                            "      passive: true\n"
                            "map:\n"
                            "  name: other\n"
                            "  settle: 350ms\n"
                            "snapshots:\n"
                            "  max_bytes: 2GiB\n"
                            "server:\n"
                            "  listen: [127.0.0.1:8081, \"[::1]:8081\"]\n"
                            "  base_url: https://alto.example.net/maps/\n"
                            "log: {level: debug}\n";

START_TEST(reads_what_stands_there)
{
    struct outcome outcome = parse(whole);

    ck_assert_str_eq(outcome.told, "");
    const struct config *config = outcome.config;
    ck_assert_str_eq(config->state.directory, "/srv/a");
    ck_assert_str_eq(config->snapshots.map_directory, "/srv/a/snapshots/other");
    ck_assert_uint_eq(config->speaker.asn, 4200000000);
    ck_assert(!config->speaker.manage && !config->speaker.api.is_unix);
    ck_assert_uint_eq(config->speaker.neighbour_count, 2);
    const struct config_neighbour *rr1 = &config->speaker.neighbours[0], *rr2 = rr1 + 1;
    ck_assert_str_eq(rr1->name, "rr1.mad");
    ck_assert_uint_eq(rr1->asn, 4200000000); // the own AS
    ck_assert_uint_eq(rr1->port, 179);
    ck_assert(rr1->families[STATE_IPV4_UNICAST] && rr1->families[STATE_IPV6_UNICAST]);
    ck_assert(rr1->families[STATE_LINK_STATE]);
    ck_assert_int_eq(rr1->unicast, SOURCE_BMP);
    ck_assert_uint_eq(rr1->hold_time_s, 90);
    ck_assert(!rr1->passive);
    ck_assert_uint_eq(rr2->asn, 64501);
    ck_assert_uint_eq(rr2->port, 1790);
    ck_assert(!rr2->families[STATE_IPV4_UNICAST] && !rr2->families[STATE_IPV6_UNICAST]);
    ck_assert(rr2->families[STATE_LINK_STATE]);
    ck_assert_int_eq(rr2->unicast, SOURCE_GRPC);
    ck_assert_uint_eq(rr2->hold_time_s, 180);
    ck_assert(rr2->passive);
    ck_assert_int_eq(config->map.settle_us, 350000);
    ck_assert_uint_eq(config->snapshots.max_bytes, 2147483648);
    ck_assert_uint_eq(config->server.listen_count, 2);
    ck_assert_uint_eq(config->server.listen[1].address.family, FAMILY_IPV6);
    ck_assert_str_eq(config->server.base_url, "https://alto.example.net/maps");
    ck_assert_int_eq(config->log.level, LEVEL_DEBUG);
    outcome_free(&outcome);
}
END_TEST

START_TEST(tells_at_most_a_hundred_mistakes)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 130; i++)
        (void)fprintf(out, "k%d: 1\n", i);
    ck_assert_int_eq(fclose(out), 0);
    struct outcome outcome = parse(text);
    ck_assert_ptr_nonnull(strstr(outcome.told, "\nf:100:1: k99: unknown key"));
    ck_assert_ptr_nonnull(strstr(outcome.told, "\nf: and 30 more\n"));
    ck_assert_ptr_null(outcome.config);
    outcome_free(&outcome);
    free(text);
}
END_TEST

START_TEST(refuses_a_large_file)
{
    size_t length = (1 << 20) + 1;
    char *text = malloc(length);

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', length);
    struct outcome outcome = parse_bytes(text, length);
    ck_assert_str_eq(outcome.told, "f: 1048577 bytes; expected at most 1048576\n");
    outcome_free(&outcome);
    outcome = parse_bytes(text, length - 1);
    ck_assert_str_eq(outcome.told, "");
    outcome_free(&outcome);
    free(text);
}
END_TEST

/* A good file that ends too early is a file of fewer keys or a mistake that is told, never a crash. */
START_TEST(takes_a_file_cut_anywhere)
{
    for (size_t length = 0; length < sizeof whole; length++) {
        char *copy = malloc(length ? length : 1); // of that size, so that a sanitizer sees its end
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, whole, length);
        struct outcome outcome = parse_bytes(copy, length);
        ck_assert_int_eq(outcome.config != NULL, outcome.told_length == 0);
        outcome_free(&outcome);
        free(copy);
    }
}
END_TEST

static char *document(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    ck_assert_ptr_nonnull(out);
    write(out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(the_example_is_the_defaults)
{
    char *text = document(config_write_example);
    struct outcome outcome = parse(text);

    ck_assert_str_eq(outcome.told, "");
    assert_defaults(outcome.config);
    outcome_free(&outcome);
    free(text);
}
END_TEST

/* With every "#" before a key removed: what it shows as defaults are the defaults, what it shows as examples
 * is taken but for the files, which are not there. */
START_TEST(the_examples_keys_can_be_set)
{
    char *text = document(config_write_example);

    for (char *at = text; (at = strstr(at, "\n  #")); at++) {
        if (at[4] != ' ' || at[5] == ' ')
            memmove(at + 3, at + 4, strlen(at + 4) + 1);
    }
    struct outcome outcome = parse(text);
    size_t lines = 0;
    for (const char *line = outcome.told; *line; line = strchr(line, '\n') + 1) {
        ck_assert_ptr_nonnull(strstr(line, "': No such file or directory\n"));
        lines++;
    }
    ck_assert_uint_eq(lines, 3);
    outcome_free(&outcome);
    free(text);
}
END_TEST

START_TEST(manual_and_example_have_every_key)
{
    char *manual = document(config_write_manual), *example = document(config_write_example);

    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *key = &config_keys[i];
        char path[128], wanted[256];

        size_t used = 0; // the path as scdoc wants it
        for (const char *c = key->path; *c; c++) {
            if (*c == '_')
                path[used++] = '\\';
            path[used++] = *c;
        }
        path[used] = '\0';
        (void)snprintf(wanted, sizeof wanted,
                       key->type == CONFIG_SECTION ? "\n# SECTION %s\n" : "\n*%s* (", path);
        ck_assert_msg(strstr(manual, wanted) != NULL, "%s", wanted);
        (void)snprintf(wanted, sizeof wanted, "%s:", config_key_leaf(key));
        ck_assert_msg(strstr(example, wanted) != NULL, "%s", wanted);
        ck_assert_msg(key->help && key->help[strlen(key->help) - 1] == '.', "%s: help", key->path);
        ck_assert_msg(!(key->fallback && key->absent), "%s: one of the two", key->path);
        ck_assert_msg(key->type <= CONFIG_NEIGHBOURS || key->fallback || key->example,
                      "%s: nothing to show", key->path);
    }
    free(manual);
    free(example);
}
END_TEST

/* ---- Files ---- */

static char directory[] = "/tmp/altimeter-test-XXXXXX";

static void files_setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void files_teardown(void)
{
    char command[64];

    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static const char *file_of(const char *name, const char *text, mode_t mode)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static struct outcome load(const char *path)
{
    struct outcome outcome = {0};
    FILE *problems = open_memstream(&outcome.told, &outcome.told_length);

    ck_assert_ptr_nonnull(problems);
    outcome.config = config_load(path, problems, &outcome.err);
    ck_assert_int_eq(fclose(problems), 0);
    return outcome;
}

START_TEST(loads_a_file)
{
    const char *path = file_of("a.yaml", "log:\n  level: debug\n", 0644);
    struct outcome outcome = load(path);

    ck_assert_ptr_nonnull(outcome.config);
    ck_assert_str_eq(outcome.config->path, path);
    ck_assert_int_eq(outcome.config->log.level, LEVEL_DEBUG);
    outcome_free(&outcome);
}
END_TEST

START_TEST(tells_why_a_file_cannot_be_read)
{
    char path[128], wanted[256];
    struct outcome outcome = load("/nowhere/a.yaml");

    ck_assert_str_eq(outcome.told,
                     "/nowhere/a.yaml: cannot be opened: No such file or directory\n");
    ck_assert_int_eq(outcome.err.kind, ERROR_SYSTEM);
    outcome_free(&outcome);

    outcome = load(directory);
    (void)snprintf(wanted, sizeof wanted, "%s: cannot be read: Is a directory\n", directory);
    ck_assert_str_eq(outcome.told, wanted);
    outcome_free(&outcome);

    if (geteuid() == 0)
        return; // root reads everything
    (void)snprintf(path, sizeof path, "%s", file_of("a.yaml", "", 0));
    outcome = load(path);
    (void)snprintf(wanted, sizeof wanted, "%s: cannot be opened: Permission denied\n", path);
    ck_assert_str_eq(outcome.told, wanted);
    outcome_free(&outcome);
}
END_TEST

static const struct {
    mode_t mode;
    bool good;
} modes[] = {
    {0600, true}, {0400, true}, {0640, false}, {0604, false}, {0700, false},
};

START_TEST(a_secret_is_read_by_its_owner_alone)
{
    char text[512], wanted[256];
    const char *path = file_of("rr1.password", "secret", modes[_i].mode);

    (void)snprintf(text, sizeof text, ONE "password_file: %s\n", path);
    struct outcome outcome = parse(text);
    if (modes[_i].good) {
        ck_assert_ptr_nonnull(outcome.config);
        ck_assert_str_eq(outcome.config->speaker.neighbours[0].password_file, path);
    } else {
        (void)snprintf(
            wanted, sizeof wanted,
            "f:7:22: speaker.neighbours[].password_file: file '%s' has mode %04o; expected "
            "0600, so that nobody else reads the secret\n",
            path, (unsigned)modes[_i].mode);
        ck_assert_str_eq(outcome.told, wanted);
    }
    outcome_free(&outcome);
}
END_TEST

static TCase *texts(void)
{
    TCase *cases = tcase_create("texts");

    tcase_add_loop_test(cases, tells_every_mistake, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_loop_test(cases, a_warning_does_not_refuse_the_file, 0,
                        sizeof warnings / sizeof *warnings);
    tcase_add_loop_test(cases, an_empty_file_is_the_defaults, 0, sizeof empty / sizeof *empty);
    tcase_add_test(cases, reads_what_stands_there);
    tcase_add_test(cases, tells_at_most_a_hundred_mistakes);
    tcase_add_test(cases, refuses_a_large_file);
    tcase_add_test(cases, takes_a_file_cut_anywhere);
    tcase_add_test(cases, the_example_is_the_defaults);
    tcase_add_test(cases, the_examples_keys_can_be_set);
    tcase_add_test(cases, manual_and_example_have_every_key);
    return cases;
}

static TCase *files(void)
{
    TCase *cases = tcase_create("files");

    tcase_add_checked_fixture(cases, files_setup, files_teardown);
    tcase_add_test(cases, loads_a_file);
    tcase_add_test(cases, tells_why_a_file_cannot_be_read);
    tcase_add_loop_test(cases, a_secret_is_read_by_its_owner_alone, 0,
                        sizeof modes / sizeof *modes);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("config");

    suite_add_tcase(suite, texts());
    suite_add_tcase(suite, files());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
