/* config_keys: every key of altimeter.yaml. The loader, its messages, `--check-config`, altimeter.yaml(5) and
 * the example file are made from this table and from nothing else; its order is theirs. A new key is a row
 * here and a member of struct config. */
#include "config_keys.h"

#include <string.h>

#define AT(member) offsetof(struct config, member)
#define NEIGHBOUR(member) offsetof(struct config_neighbour, member)

static const char *const families[] = {"ipv4-unicast", "ipv6-unicast", "link-state", NULL};
static const char *const sources[] = {"bmp", "grpc", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

const struct config_key config_keys[CONFIG_KEYS] = {
    {"state", CONFIG_SECTION, .help = "What the network says, held by altimeter-collector."},
    {"state.directory", CONFIG_PATH, AT(state.directory), .fallback = "/var/lib/altimeter",
     .help = "Folder of state.db, and of snapshots/ unless snapshots.directory says otherwise."},
    {"state.keep_tombstones", CONFIG_DURATION, AT(state.keep_tombstones_us), .low = "1min",
     .high = "30d", .fallback = "1h",
     .help = "How long what is gone is remembered; a reader that was away longer reads everything "
             "again."},

    {"speaker", CONFIG_SECTION, .help = "The BGP speaker, gobgpd, and whom it talks to."},
    {"speaker.asn", CONFIG_AS_NUMBER, AT(speaker.asn), .low = "1", .high = "4294967294",
     .absent = "no neighbour can be configured", .example = "64500", .help = "The own AS."},
    {"speaker.router_id", CONFIG_ROUTER_ID, AT(speaker.router_id),
     .absent = "no neighbour can be configured", .example = "192.0.2.10",
     .help = "BGP identifier of the speaker."},
    {"speaker.manage", CONFIG_BOOLEAN, AT(speaker.manage), .fallback = "true",
     .help = "Bring gobgpd to the state that stands here; false attaches to one that others "
             "configure."},
    {"speaker.api", CONFIG_ENDPOINT, AT(speaker.api), .fallback = "unix:/run/altimeter/gobgpd.sock",
     .help = "Where gobgpd serves its gRPC API. It asks nobody who they are, so only a Unix socket "
             "or a "
             "loopback address is taken."},
    {"speaker.listen_address", CONFIG_ADDRESS, AT(speaker.listen_address),
     .absent = "gobgpd listens nowhere and connects to its neighbours", .example = "192.0.2.10",
     .help = "Where gobgpd listens for BGP."},
    {"speaker.listen_port", CONFIG_PORT, AT(speaker.listen_port), .low = "1", .high = "65535",
     .fallback = "179", .help = "The port of listen_address."},

    {"speaker.neighbours", CONFIG_NEIGHBOURS, AT(speaker.neighbours), AT(speaker.neighbour_count),
     .absent = "nothing is learnt",
     .help = "The route reflectors or routers to learn from. Where two of them tell different "
             "things of "
             "one object, the one that stands first here counts."},
    {"speaker.neighbours[].name", CONFIG_NAME, NEIGHBOUR(name), .example = "rr1",
     .help = "What the neighbour is called in state.db, logs and figures."},
    {"speaker.neighbours[].address", CONFIG_ADDRESS, NEIGHBOUR(address), .example = "192.0.2.1",
     .help = "Address of the neighbour."},
    {"speaker.neighbours[].port", CONFIG_PORT, NEIGHBOUR(port), .low = "1", .high = "65535",
     .fallback = "179", .help = "Port of the neighbour."},
    {"speaker.neighbours[].asn", CONFIG_AS_NUMBER, NEIGHBOUR(asn), .low = "1", .high = "4294967294",
     .absent = "the own AS is taken: the session is an internal one", .example = "64500",
     .help = "AS of the neighbour."},
    {"speaker.neighbours[].local_address", CONFIG_ADDRESS, NEIGHBOUR(local_address),
     .absent = "the system chooses", .example = "192.0.2.10", .help = "Address to connect from."},
    {"speaker.neighbours[].families", CONFIG_WORD_SET, NEIGHBOUR(families), .words = families,
     .fallback = "[ipv4-unicast, ipv6-unicast, link-state]",
     .help = "What the neighbour is asked for."},
    {"speaker.neighbours[].unicast", CONFIG_ENUM, NEIGHBOUR(unicast), .words = sources,
     .fallback = "bmp",
     .help = "By which door of gobgpd unicast routes come; link state always comes by BMP."},
    {"speaker.neighbours[].password_file", CONFIG_SECRET, NEIGHBOUR(password_file),
     .absent = "the session has no password", .example = "/etc/altimeter/rr1.password",
     .help = "File with the password of TCP MD5 (RFC 2385), of mode 0600."},
    {"speaker.neighbours[].hold_time", CONFIG_SECONDS, NEIGHBOUR(hold_time_s), .low = "3s",
     .high = "65535s", .fallback = "90s", .help = "Hold time that is offered to the neighbour."},
    {"speaker.neighbours[].passive", CONFIG_BOOLEAN, NEIGHBOUR(passive), .fallback = "false",
     .help = "Wait for the neighbour to connect; needs speaker.listen_address."},

    {"bmp", CONFIG_SECTION, .help = "The station that hears BMP (RFC 7854)."},
    {"bmp.listen", CONFIG_TCP, AT(bmp.listen), .fallback = "127.0.0.1:11019",
     .help = "Where altimeter-collector listens for BMP from gobgpd or from routers."},

    {"collector", CONFIG_SECTION, .help = "How altimeter-collector writes state.db."},
    {"collector.hold", CONFIG_DURATION, AT(collector.hold_us), .low = "1s", .high = "7d",
     .fallback = "10min",
     .help = "How long the routes and link state of a lost session stay in use."},
    {"collector.assume_end_of_rib", CONFIG_DURATION, AT(collector.assume_end_of_rib_us),
     .low = "1s", .high = "1h", .fallback = "30s",
     .help =
         "A returned session that sends no end-of-RIB counts as complete after so long without an "
         "UPDATE of the families that it is still telling, and after 10 minutes in any case, or "
         "after so long if that is more."},
    {"collector.heartbeat", CONFIG_DURATION, AT(collector.heartbeat_us), .low = "1s",
     .high = "10min", .fallback = "10s",
     .help = "How often a silent network is noted, so that it can be told from a dead collector."},
    {"collector.batch", CONFIG_DURATION, AT(collector.batch_us), .low = "1ms", .high = "10s",
     .fallback = "10ms", .help = "Longest wait before a change is committed."},
    {"collector.batch_size", CONFIG_INTEGER, AT(collector.batch_size), .low = "1",
     .high = "10000000", .fallback = "50000", .help = "Most changes in one transaction."},
    {"collector.meter", CONFIG_DURATION, AT(collector.meter_us), .low = "1s", .high = "1h",
     .fallback = "1s", .help = "How often the collector writes its own figures."},
    {"collector.max_routes", CONFIG_INTEGER, AT(collector.max_routes), .low = "1",
     .high = "100000000", .fallback = "5000000",
     .help =
         "Most routes of one unicast family to take from one neighbour; what comes above that is "
         "not taken, and the family counts as faulty."},
    {"collector.max_link_state", CONFIG_INTEGER, AT(collector.max_link_state), .low = "1",
     .high = "100000000", .fallback = "500000",
     .help = "Most nodes, links and prefixes of link state to take from one neighbour, likewise."},

    {"map", CONFIG_SECTION, .help = "The network map that altimeter-mapgen computes."},
    {"map.name", CONFIG_PID_NAME, AT(map.name), .fallback = "default",
     .help =
         "Name of the network map: its ALTO resource-id and its folder under snapshots.directory."},
    {"map.default_pid", CONFIG_PID_NAME, AT(map.default_pid), .fallback = "default",
     .help = "PID of the addresses that are not routed; it has no costs."},
    {"map.settle", CONFIG_DURATION, AT(map.settle_us), .low = "1ms", .high = "1h", .fallback = "1s",
     .help = "At most one snapshot in this time."},
    {"map.start_wait", CONFIG_DURATION, AT(map.start_wait_us), .low = "0s", .high = "1h",
     .fallback = "2min",
     .help = "How long the first map ever waits for the end-of-RIB of all feeds."},
    {"map.delay_use_minimum", CONFIG_BOOLEAN, AT(map.delay_use_minimum), .fallback = "true",
     .help = "Where a link tells no mean delay, take its minimum, the propagation delay."},

    {"snapshots", CONFIG_SECTION, .help = "Where maps are published, and how many are kept."},
    {"snapshots.directory", CONFIG_PATH, AT(snapshots.directory),
     .absent = "the folder snapshots in state.directory is taken",
     .example = "/var/lib/altimeter/snapshots",
     .help = "Folder of the snapshots, one folder a map."},
    {"snapshots.keep", CONFIG_INTEGER, AT(snapshots.keep), .low = "1", .high = "100000",
     .fallback = "100", .help = "Most snapshots to keep."},
    {"snapshots.keep_for", CONFIG_DURATION, AT(snapshots.keep_for_us), .low = "1min",
     .high = "3650d", .fallback = "24h",
     .help = "Longest time to keep a snapshot; the current one always stays."},
    {"snapshots.max_bytes", CONFIG_SIZE, AT(snapshots.max_bytes), .low = "1MB", .high = "1000TB",
     .fallback = "8GB", .help = "Most that all snapshots together may take."},

    {"server", CONFIG_SECTION, .help = "The ALTO server, altimeter-server."},
    {"server.listen", CONFIG_TCP_LIST, AT(server.listen), AT(server.listen_count),
     .fallback = "[127.0.0.1:8080]",
     .help = "Where ALTO is served; plain HTTP, or TLS when a certificate is given."},
    {"server.tls_certificate", CONFIG_FILE, AT(server.tls_certificate),
     .absent = "plain HTTP is served", .example = "/etc/altimeter/server.crt",
     .help = "PEM file with the certificate chain."},
    {"server.tls_key", CONFIG_SECRET, AT(server.tls_key), .absent = "plain HTTP is served",
     .example = "/etc/altimeter/server.key", .help = "PEM file with its key, of mode 0600."},
    {"server.base_url", CONFIG_URL, AT(server.base_url), .absent = "URIs are relative",
     .example = "https://alto.example.net",
     .help = "What the directory's URIs begin with, when clients come through a proxy."},
    {"server.threads", CONFIG_INTEGER, AT(server.threads), .low = "0", .high = "256",
     .fallback = "0", .help = "Threads that serve; 0 is one for each core."},
    {"server.max_connections", CONFIG_INTEGER, AT(server.max_connections), .low = "1",
     .high = "1000000", .fallback = "10000", .help = "Most connections at a time."},
    {"server.max_connections_per_client", CONFIG_INTEGER, AT(server.max_connections_per_client),
     .low = "1", .high = "1000000", .fallback = "1000",
     .help = "Most connections at a time from one address."},
    {"server.request_timeout", CONFIG_DURATION, AT(server.request_timeout_us), .low = "10ms",
     .high = "10min", .fallback = "10s",
     .help = "Longest time from the first byte of a request to its last."},
    {"server.idle_timeout", CONFIG_DURATION, AT(server.idle_timeout_us), .low = "10ms",
     .high = "24h", .fallback = "1min", .help = "How long a connection without a request stays."},
    {"server.max_age", CONFIG_DURATION, AT(server.max_age_us), .low = "0s", .high = "24h",
     .fallback = "1s", .help = "How long caches may keep an answer (Cache-Control)."},
    {"server.operator_listen", CONFIG_TCP, AT(server.operator_listen), .fallback = "127.0.0.1:9671",
     .help = "Where /healthz and /readyz are served."},

    {"log", CONFIG_SECTION, .help = "What the programs write to standard error or the journal."},
    {"log.level", CONFIG_ENUM, AT(log.level), .words = levels, .fallback = "info",
     .help = "The least important lines to write."},
};

const char *config_key_leaf(const struct config_key *key)
{
    const char *dot = strrchr(key->path, '.');

    return dot ? dot + 1 : key->path;
}

bool config_key_is_in(const struct config_key *key, const char *parent)
{
    size_t length = strlen(parent);

    if (length == 0)
        return config_key_leaf(key) == key->path;
    return strncmp(key->path, parent, length) == 0 &&
           key->path + length + 1 == config_key_leaf(key);
}

const struct config_key *config_key_find(const char *parent, const char *name)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (config_key_is_in(&config_keys[i], parent) &&
            strcmp(config_key_leaf(&config_keys[i]), name) == 0)
            return &config_keys[i];
    }
    return NULL;
}
