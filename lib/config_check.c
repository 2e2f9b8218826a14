/* config_check: the values of a configuration against each other. Each check reads as the sentence that it
 * tells. A value that could not be read has been told before; its absence is not told again. */
#include "config_keys.h"

#include <assert.h>
#include <string.h>

struct check {
    const struct config *config;
    const struct config_places *places, *neighbours;
    struct config_problems *problems;
};

static struct config_place place_in(const struct config_places *places, const char *path)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (strcmp(config_keys[i].path, path) == 0)
            return places->keys[i];
    }
    assert(false && "a key that is not in the table");
    return (struct config_place){0};
}

static struct config_place place(const struct check *check, const char *path)
{
    return place_in(check->places, path);
}

static bool is_given(const struct check *check, const char *path)
{
    return place(check, path).line != 0;
}

static bool is_loopback(const struct endpoint *endpoint)
{
    static const struct prefix loopback4 = {FAMILY_IPV4, 8, {127}};
    static const struct prefix loopback6 = {FAMILY_IPV6, 128, {[15] = 1}};

    return endpoint->is_unix || prefix_contains(&loopback4, &endpoint->address) ||
           prefix_contains(&loopback6, &endpoint->address);
}

static bool same_address(const struct prefix *a, const struct prefix *b)
{
    return a->family && prefix_compare(a, b) == 0;
}

/* An address that a TCP connection can go to. */
static bool is_unicast(const struct prefix *address)
{
    static const struct prefix multicast4 = {FAMILY_IPV4, 3, {224}}; // and what is above
    static const struct prefix multicast6 = {FAMILY_IPV6, 8, {0xff}};
    static const struct prefix zero4 = {FAMILY_IPV4, 8, {0}};
    static const struct prefix zero6 = {FAMILY_IPV6, 128, {0}};

    return !prefix_contains(&multicast4, address) && !prefix_contains(&multicast6, address) &&
           !prefix_contains(&zero4, address) && !prefix_contains(&zero6, address);
}

static void check_own(const struct check *check)
{
    static const char *const needed[] = {"speaker.asn", "speaker.router_id"};
    char expected[CONFIG_TEXT_SIZE];

    if (check->config->speaker.neighbour_count == 0)
        return;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        const struct config_key *key = config_key_find("speaker", strchr(needed[i], '.') + 1);
        if (!is_given(check, needed[i]))
            config_problem(check->problems, place(check, "speaker.neighbours"),
                           "%s: missing; expected %s, because neighbours are configured", key->path,
                           config_expected(key, expected));
    }
}

static void check_neighbour(const struct check *check, size_t index)
{
    const struct config_neighbour *neighbour = &check->config->speaker.neighbours[index];
    const struct config_places *places = &check->neighbours[index];
    char text[PREFIX_TEXT_SIZE];

    if (neighbour->address.family && !is_unicast(&neighbour->address))
        config_problem(
            check->problems, place_in(places, "speaker.neighbours[].address"),
            "speaker.neighbours[].address: value '%s'; expected the address of one router",
            address_format(&neighbour->address, text));
    if (neighbour->local_address.family && neighbour->address.family &&
        neighbour->local_address.family != neighbour->address.family)
        config_problem(check->problems, place_in(places, "speaker.neighbours[].local_address"),
                       "speaker.neighbours[].local_address: value '%s'; expected an IPv%d address "
                       "like the neighbour's",
                       address_format(&neighbour->local_address, text), neighbour->address.family);
    if (same_address(&neighbour->address, &neighbour->local_address))
        config_problem(check->problems, place_in(places, "speaker.neighbours[].local_address"),
                       "speaker.neighbours[].local_address: value '%s'; expected another than the "
                       "neighbour's",
                       address_format(&neighbour->local_address, text));
    if (neighbour->passive && !is_given(check, "speaker.listen_address"))
        config_problem(check->problems, place_in(places, "speaker.neighbours[].passive"),
                       "speaker.neighbours[].passive: value 'true' without speaker.listen_address; "
                       "nobody would hear the neighbour");
}

/* Two neighbours with one name or one address; the second is told. */
static void check_pair(const struct check *check, size_t first, size_t second)
{
    const struct config_neighbour *a = &check->config->speaker.neighbours[first];
    const struct config_neighbour *b = &check->config->speaker.neighbours[second];
    const struct config_places *a_places = &check->neighbours[first];
    const struct config_places *b_places = &check->neighbours[second];
    char text[PREFIX_TEXT_SIZE];

    if (a->name && b->name && strcmp(a->name, b->name) == 0)
        config_problem(check->problems, place_in(b_places, "speaker.neighbours[].name"),
                       "speaker.neighbours[].name: value '%s' is also that of line %zu; expected "
                       "another",
                       b->name, place_in(a_places, "speaker.neighbours[].name").line);
    if (same_address(&a->address, &b->address))
        config_problem(
            check->problems, place_in(b_places, "speaker.neighbours[].address"),
            "speaker.neighbours[].address: value '%s' is also that of line %zu; expected "
            "another",
            address_format(&b->address, text),
            place_in(a_places, "speaker.neighbours[].address").line);
}

static void check_neighbours(const struct check *check)
{
    size_t count = check->config->speaker.neighbour_count;

    check_own(check);
    for (size_t i = 0; i < count; i++) {
        check_neighbour(check, i);
        for (size_t earlier = 0; earlier < i; earlier++)
            check_pair(check, earlier, i);
    }
}

static void check_server(const struct check *check)
{
    const char *certificate = "server.tls_certificate", *key = "server.tls_key";
    bool has_certificate = is_given(check, certificate), has_key = is_given(check, key);

    if (has_certificate && !has_key)
        config_problem(check->problems, place(check, certificate), "%s: without %s; expected both",
                       certificate, key);
    if (has_key && !has_certificate)
        config_problem(check->problems, place(check, key), "%s: without %s; expected both", key,
                       certificate);
    for (size_t i = 0; i < check->config->server.listen_count; i++) {
        const struct endpoint *listen = &check->config->server.listen[i];
        if (!has_certificate && listen->text && !is_loopback(listen))
            config_warning(
                check->problems, place(check, "server.listen"),
                "server.listen: '%s' is reached from other machines without TLS; the map "
                "is the network's plan",
                listen->text);
    }
}

/* Listeners that ask nobody who they are. */
static void check_exposed(const struct check *check)
{
    const struct config *config = check->config;

    if (!is_loopback(&config->speaker.api))
        config_problem(check->problems, place(check, "speaker.api"),
                       "speaker.api: value '%s'; expected a Unix socket or a loopback address: "
                       "whoever reaches it injects routes",
                       config->speaker.api.text);
    if (!is_loopback(&config->bmp.listen))
        config_warning(check->problems, place(check, "bmp.listen"),
                       "bmp.listen: '%s' is reached from other machines; BMP has no passwords",
                       config->bmp.listen.text);
    if (!is_loopback(&config->server.operator_listen))
        config_warning(check->problems, place(check, "server.operator_listen"),
                       "server.operator_listen: '%s' is reached from other machines without a "
                       "password",
                       config->server.operator_listen.text);
}

struct listener {
    const char *key;
    const struct endpoint *endpoint;
};

static void check_two_listeners(const struct check *check, struct listener a, struct listener b)
{
    if (a.endpoint->is_unix || b.endpoint->is_unix || a.endpoint->port != b.endpoint->port ||
        !same_address(&a.endpoint->address, &b.endpoint->address))
        return;
    config_problem(check->problems, place(check, is_given(check, b.key) ? b.key : a.key),
                   "%s: value '%s' is also %s; expected another", b.key, b.endpoint->text, a.key);
}

static void check_listeners(const struct check *check)
{
    const struct config *config = check->config;
    struct listener bmp = {"bmp.listen", &config->bmp.listen};
    struct listener page = {"server.operator_listen", &config->server.operator_listen};

    check_two_listeners(check, bmp, page);
    for (size_t i = 0; i < config->server.listen_count; i++) {
        struct listener alto = {"server.listen", &config->server.listen[i]};
        check_two_listeners(check, bmp, alto);
        check_two_listeners(check, alto, page);
    }
}

void config_cross_check(const struct config *config, const struct config_places *places,
                        const struct config_places *neighbours, struct config_problems *problems)
{
    const struct check check = {config, places, neighbours, problems};

    check_neighbours(&check);
    check_server(&check);
    check_exposed(&check);
    check_listeners(&check);
}
