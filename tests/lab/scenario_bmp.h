/* scenario_bmp: the routers that tell a BMP station what they hear (RFC 7854, 8671, 9069).
 *
 * What a monitored router has of BGP is what reflectors say: its Adj-RIB-In from a reflector is that
 * reflector's table; a reflector's Loc-RIB, and its Adj-RIB-Out towards any peer, is its own table. So a
 * BMP session needs no routes of its own, and what changes the backbone changes it. */
#pragma once

#include "scenario.h"

enum { BMP_ROUTER_LIMIT = 64, BMP_PEER_LIMIT = 256 };

/* Peer types of the per-peer header. */
enum { BMP_GLOBAL = 0, BMP_RD = 1, BMP_LOCAL = 2, BMP_LOC_RIB = 3 };

enum bmp_view {
    BMP_PRE_POLICY,
    BMP_POST_POLICY,
    BMP_OUT_PRE_POLICY,
    BMP_OUT_POST_POLICY,
    BMP_VIEWS
};
extern const char *const bmp_view_names[BMP_VIEWS]; // "pre-policy", …, "out-post-policy"

struct bmp_peer {
    const char *name; // in commands
    uint8_t type;
    uint8_t distinguisher[8];
    uint32_t as;                       // of the peer; of the monitored router itself for Loc-RIB
    struct net router_id;              // likewise
    struct net address, local_address; // none for Loc-RIB
    uint16_t port, local_port;
    uint16_t hold_time_s;
    size_t table[BMP_VIEWS]; // the reflector whose table the view is; SIZE_MAX: no such view
    bool families[FAMILIES];
    bool add_path[FAMILIES]; // as the table has path identifiers
    bool two_octet_as;       // neither side knows 4-octet AS numbers: flag A
    bool narrows;            // and the table has them: they are made narrow
    bool filtered;           // Loc-RIB's flag F
    bool mirror;             // Route Mirroring of each UPDATE before its Route Monitoring
    bool end_of_rib;
    const char **table_names; // TLVs 3 of Peer Up and Peer Down
    size_t table_name_count;
    bool down; // changes
};

struct bmp_router {
    const char *name; // a router of the backbone, or a reflector
    size_t vertex;    // SIZE_MAX: a reflector
    size_t reflector; // SIZE_MAX: a router
    uint32_t as;
    struct net router_id;
    struct net address; // of the station, or where it calls
    uint16_t port;
    bool listens;
    struct net source;
    const char *sys_name, *sys_descr;
    const char **texts; // further Initiation TLVs
    size_t text_count;
    uint32_t retry_s[2];   // the first pause between calls, and the longest
    uint32_t statistics_s; // 0: only by command
    struct bmp_peer *peers;
    size_t peer_count;
};

/* SIZE_MAX: no such name. */
size_t scenario_find_bmp_router(const struct scenario *scenario, const char *name);
size_t bmp_find_peer(const struct bmp_router *router, const char *name);

/* "ams=127.0.0.1:11019": another endpoint than the file says. */
bool scenario_move_bmp_router(struct scenario *scenario, const char *text, struct error *err);
