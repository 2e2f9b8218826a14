/* export_bmp: who tells a BMP station what, as JSON. */
#include "export_bmp.h"

static void put_address(struct json *json, const char *key, const struct net *net)
{
    char text[NET_TEXT_SIZE];

    if (net->family)
        json_text(json, key, net_format_address(net, text));
}

/* {"pre-policy": "rr1"}: whose table each view is. */
static void put_views(struct json *json, const struct scenario *scenario,
                      const struct bmp_peer *peer)
{
    json_open(json, "views", '{');
    for (size_t view = 0; view < BMP_VIEWS; view++) {
        if (peer->table[view] != SIZE_MAX)
            json_text(json, peer->type == BMP_LOC_RIB ? "loc-rib" : bmp_view_names[view],
                      scenario->reflectors[peer->table[view]].name);
    }
    json_close(json, '}');
}

static void put_peer(struct json *json, const struct scenario *scenario,
                     const struct bmp_peer *peer)
{
    json_open(json, NULL, '{');
    json_text(json, "name", peer->name);
    json_number(json, "type", peer->type);
    json_hex(json, "distinguisher", peer->distinguisher, sizeof peer->distinguisher);
    json_number(json, "as", peer->as);
    put_address(json, "router_id", &peer->router_id);
    put_address(json, "address", &peer->address);
    put_address(json, "local_address", &peer->local_address);
    put_views(json, scenario, peer);
    json_open(json, "families", '[');
    for (size_t family = 0; family < FAMILIES; family++) {
        if (peer->families[family])
            json_text(json, NULL, family_names[family]);
    }
    json_close(json, ']');
    json_open(json, "add_path", '[');
    for (size_t family = 0; family < FAMILIES; family++) {
        if (peer->families[family] && peer->add_path[family])
            json_text(json, NULL, family_names[family]);
    }
    json_close(json, ']');
    json_open(json, "table_names", '[');
    for (size_t i = 0; i < peer->table_name_count; i++)
        json_text(json, NULL, peer->table_names[i]);
    json_close(json, ']');
    json_bool(json, "two_octet_as", peer->two_octet_as);
    json_bool(json, "filtered", peer->filtered);
    json_bool(json, "mirror", peer->mirror);
    json_bool(json, "end_of_rib", peer->end_of_rib);
    json_bool(json, "down", peer->down);
    json_close(json, '}');
}

void export_bmp(struct json *json, const struct scenario *scenario)
{
    json_open(json, "bmp", '[');
    for (size_t i = 0; i < scenario->bmp_router_count; i++) {
        const struct bmp_router *router = &scenario->bmp_routers[i];

        json_open(json, NULL, '{');
        json_text(json, "name", router->name);
        json_text(json, "sys_name", router->sys_name);
        json_text(json, "sys_descr", router->sys_descr);
        json_open(json, "texts", '[');
        for (size_t n = 0; n < router->text_count; n++)
            json_text(json, NULL, router->texts[n]);
        json_close(json, ']');
        json_number(json, "as", router->as);
        put_address(json, "router_id", &router->router_id);
        json_open(json, "peers", '[');
        for (size_t n = 0; n < router->peer_count; n++)
            put_peer(json, scenario, &router->peers[n]);
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}
