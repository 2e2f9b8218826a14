/* config: one altimeter.yaml for all programs, read by libyaml's document tree and one table of keys.
 *
 * The table (config_keys.c: key, type, range, default, one sentence of help) is the only statement of the
 * configuration: this struct, the errors, `--check-config` and altimeter.yaml(5) follow it. Every mistake is
 * reported with file, line, column, value and what was expected. A config is immutable once loaded. */
#pragma once

#include "arena.h"
#include "error.h"
#include "log.h"
#include "prefix.h"
#include "state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where a program listens or connects: "127.0.0.1:8080", "[::1]:8080", "unix:/run/altimeter/gobgpd.sock". */
struct endpoint {
    bool is_unix;
    const char *path;      // Unix
    struct prefix address; // TCP
    uint16_t port;
    const char *text; // as configured
};

struct config_neighbour {
    const char *name; // of the peer, in state.db and logs
    struct prefix address;
    uint16_t port;                 // 179
    uint32_t asn;                  // default: the own AS
    struct prefix local_address;   // family 0: the system's choice
    bool families[STATE_FAMILIES]; // default: all three
    enum state_source
        unicast; // by which door unicast comes: bmp (default) or grpc; link state is always bmp
    const char *password_file; // TCP MD5; NULL: none. Mode 0600 or refused
    uint32_t hold_time_s;      // of the BGP session, 90
    bool passive;              // wait for the neighbour to connect
};

struct config {
    const char *path; // of the file
    struct {
        const char *directory;      // state.directory: /var/lib/altimeter
        const char *database;       // directory + /state.db
        int64_t keep_tombstones_us; // 1 h
    } state;
    struct {
        uint32_t asn; // own AS
        struct prefix router_id;
        bool manage;                  // bring gobgpd to this state; false: attach to it
        struct endpoint api;          // unix:/run/altimeter/gobgpd.sock
        struct prefix listen_address; // where gobgpd listens for BGP; family 0: nowhere
        uint16_t listen_port;         // 179
        const struct config_neighbour *neighbours;
        size_t neighbour_count;
    } speaker;
    struct {
        struct endpoint listen; // 127.0.0.1:11019, loopback
    } bmp;
    struct {
        int64_t hold_us;              // stale data goes after that long without return, 600 s
        int64_t assume_end_of_rib_us; // 30 s without an UPDATE of the family after return
        int64_t heartbeat_us;         // 10 s
        int64_t batch_us;             // longest wait before a change is committed, 10 ms
        uint32_t batch_size;          // most changes in one transaction, 50,000
        int64_t meter_us;             // 1 s
        uint32_t max_routes;          // of a neighbour and unicast family (L-097), 5,000,000
        uint32_t max_link_state;      // objects of a neighbour, 500,000
    } collector;
    struct {
        const char *name;        // of the network map: its resource-id, "default"
        const char *default_pid; // "default"
        int64_t settle_us;       // at most one snapshot per, 1 s
        int64_t start_wait_us;   // for the feeds' end-of-RIB before the first map ever, 120 s
        bool delay_use_minimum;  // M-137, true
    } map;
    struct {
        const char *directory;     // snapshots/ under state.directory
        const char *map_directory; // directory + "/" + map.name
        uint32_t keep;             // 100
        int64_t keep_for_us;       // 24 h
        uint64_t max_bytes;        // 8 GB
    } snapshots;
    struct {
        const struct endpoint *listen; // 127.0.0.1:8080
        size_t listen_count;
        const char *tls_certificate, *tls_key; // files; both or none. With them listen is TLS
        const char *base_url;                  // NULL: URIs are relative
        uint32_t threads;                      // 0: one a core
        uint32_t max_connections;              // 10,000
        uint32_t max_connections_per_client;   // 1,000
        int64_t request_timeout_us;            // from the first byte to the last of a request, 10 s
        int64_t idle_timeout_us;               // 60 s
        int64_t max_age_us;                    // Cache-Control, 1 s
        struct endpoint operator_listen;       // 127.0.0.1:9671: /healthz, /readyz
    } server;
    struct {
        enum log_level level; // info
    } log;
    const char *const
        *warnings; // "file:line:column: warning: …": allowed, but worth a line in the log
    size_t warning_count;
    struct arena *arena; // everything above lives here
};

/* The default place: /etc/altimeter/altimeter.yaml. */
extern const char config_default_path[];

/* Reads a file; an empty one gives the defaults. NULL on failure, with *err naming "file:line:column: key: …": the first mistake. When problems
 * is not NULL every mistake of the file is written there, a line each, in the file's order. */
struct config *config_load(const char *path, FILE *problems, struct error *err);

/* The same from memory, for tests. name: for the messages. */
struct config *config_parse(const char *name, const char *text, size_t length, FILE *problems,
                            struct error *err);

void config_free(struct config *config); // NULL is fine

/* What `--check-config` does: every mistake and warning of the file to errors, a line each; without mistakes
 * "PATH: ok: …" with a few figures to out. true: no mistakes. */
bool config_report(const char *path, FILE *out, FILE *errors);

/* Every key with its type, range, default and help: as altimeter.yaml(5) in scdoc, and as a commented YAML file. */
void config_write_manual(FILE *out);
void config_write_example(FILE *out);
