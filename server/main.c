/* altimeter-server: publishes the newest snapshot as ALTO resources.
 *
 * main wires: a watcher that keeps the view (views), loops that answer from it (http, service, operator). It
 * then waits for signals: SIGHUP reads the configuration again, SIGTERM and SIGINT end it gracefully. */
#include "http.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/options.h"
#include "operator.h"
#include "service.h"
#include "tls.h"
#include "views.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

enum {
    OPERATOR_CONNECTIONS = 32, // also when ALTO's are all taken: balancers must hear from us
    OWN_DESCRIPTORS = 64,      // those, listeners, event loops, files
};

static const int64_t grace_us = 5000000; // for requests that have begun when we are told to stop

static const struct program program = {
    .name = "altimeter-server",
    .summary = "Publishes the newest snapshot as ALTO resources (RFC 7285) over HTTP.",
    .notes =
        "Signals: SIGHUP reads the configuration again (a bad one leaves the old one in force;\n"
        "the addresses and threads need a restart); SIGTERM ends the program when the\n"
        "requests that have begun are answered.\n",
};

/* What runs, in the order in which it is started. */
struct running {
    const struct config *config; // of the start: addresses and threads
    struct log log;
    SSL_CTX *tls; // NULL: plain HTTP
    struct views *views;
    struct service *service;
    struct http_service services[2];
    struct http_server *http;
};

static unsigned cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static struct view_options view_options_of(const struct config *config)
{
    return (struct view_options){.base_url = config->server.base_url,
                                 .max_age_us = config->server.max_age_us};
}

static struct http_settings http_settings_of(const struct config *config, SSL_CTX *tls)
{
    return (struct http_settings){
        .max_connections = config->server.max_connections,
        .max_connections_per_client = config->server.max_connections_per_client,
        .request_timeout_us = config->server.request_timeout_us,
        .idle_timeout_us = config->server.idle_timeout_us,
        .tls = tls,
        .log_level = config->log.level,
    };
}

/* *out NULL: not configured. */
static bool load_tls(const struct config *config, SSL_CTX **out, struct error *err)
{
    SSL_CTX *tls = NULL;

    if (config->server.tls_certificate) {
        tls = tls_new(config->server.tls_certificate, config->server.tls_key, err);
        if (!tls)
            return false;
    }
    *out = tls;
    return true;
}

/* A connection is a descriptor; the soft limit of most systems is 1024. */
static void raise_descriptors(const struct config *config, const struct log *log)
{
    rlim_t wanted = (rlim_t)config->server.max_connections + OWN_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_warning(log,
                    "fewer file descriptors than connections: limit=%llu max_connections=%u "
                    "(LimitNOFILE= in the unit raises it)",
                    (unsigned long long)limit.rlim_cur, config->server.max_connections);
}

static bool start(struct running *run, struct error *err)
{
    const struct config *config = run->config;
    unsigned threads = config->server.threads ? config->server.threads : cores();
    struct view_options options = view_options_of(config);
    struct http_settings settings;

    if (!load_tls(config, &run->tls, err))
        return false;
    settings = http_settings_of(config, run->tls);
    run->views = views_start(config->snapshots.map_directory, &options, &run->log, err);
    if (!run->views)
        return false;
    run->service = service_new(run->views, threads);
    run->services[0] = (struct http_service){
        .name = "alto",
        .endpoints = config->server.listen,
        .endpoint_count = config->server.listen_count,
        .uses_tls = run->tls != NULL,
        .context = run->service,
        .answer = service_answer,
        .on_tick = service_on_tick,
    };
    run->services[1] = (struct http_service){
        .name = "operator",
        .endpoints = &config->server.operator_listen,
        .endpoint_count = 1,
        .max_connections = OPERATOR_CONNECTIONS,
        .on_one_loop = true,
        .context = run->views,
        .answer = operator_answer,
    };
    run->http = http_server_start(run->services, sizeof run->services / sizeof *run->services,
                                  threads, &settings, &run->log, err);
    if (!run->http)
        return false;
    for (size_t i = 0; i < config->server.listen_count; i++)
        log_info(&run->log, "serving ALTO: listen=%s tls=%s threads=%u snapshots=%s",
                 config->server.listen[i].text, run->tls ? "yes" : "no", threads,
                 config->snapshots.map_directory);
    log_info(&run->log, "serving the operator: listen=%s", config->server.operator_listen.text);
    return true;
}

static void stop(struct running *run)
{
    http_server_stop(run->http, grace_us);
    service_free(run->service);
    views_stop(run->views);
    SSL_CTX_free(run->tls);
}

/* Takes up what can change while we run. */
static void apply(struct running *run, const struct config *config, SSL_CTX *tls)
{
    struct view_options options = view_options_of(config);
    struct http_settings settings = http_settings_of(config, tls);

    run->log.level = config->log.level;
    SSL_CTX_free(run->tls);
    run->tls = tls;
    http_server_configure(run->http, &settings);
    views_configure(run->views, &options, config->log.level);
}

static void reload(struct running *run, const char *path)
{
    struct error err;
    SSL_CTX *tls = NULL;
    struct config *config = config_load(path, NULL, &err);

    if (!config || !load_tls(config, &tls, &err)) {
        log_error(&run->log, "configuration not read, the old one stays in force: %s", err.text);
    } else if ((tls != NULL) != (run->tls != NULL)) {
        log_error(&run->log, "configuration not taken up, the old one stays in force: switching "
                             "between plain HTTP and TLS needs a restart");
        SSL_CTX_free(tls);
    } else {
        apply(run, config, tls);
        log_info(&run->log, "configuration read again: file=%s", path);
    }
    config_free(config);
}

/* Until SIGTERM or SIGINT. The signals are blocked in every thread, so that they arrive here only. */
static void wait_for_signals(struct running *run, const sigset_t *signals, const char *path)
{
    for (;;) {
        int number;
        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP) {
            log_info(&run->log, "stopping: signal=%s connections=%u",
                     number == SIGTERM ? "SIGTERM" : "SIGINT", http_server_connections(run->http));
            return;
        }
        (void)sd_notify(0, "RELOADING=1");
        reload(run, path);
        (void)sd_notify(0, "READY=1");
    }
}

static void block_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGHUP);
    (void)sigaddset(signals, SIGTERM);
    (void)sigaddset(signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN); // a client that goes away is an error of write(2)
}

int main(int argc, char **argv)
{
    struct options options;
    struct running run = {.log = log_default()};
    struct error err;
    sigset_t signals;
    int status;

    if (!options_start(&program, argc, argv, &options, &status))
        return status;
    struct config *config = config_load(options.config_path, stderr, &err);
    if (!config)
        return EXIT_FAILURE; // every mistake has been written
    run.config = config;
    run.log.level = config->log.level;
    block_signals(&signals);
    raise_descriptors(config, &run.log);
    status = EXIT_FAILURE;
    if (start(&run, &err)) {
        (void)sd_notify(0, "READY=1");
        wait_for_signals(&run, &signals, options.config_path);
        (void)sd_notify(0, "STOPPING=1");
        status = EXIT_SUCCESS;
    } else {
        log_error(&run.log, "cannot start: %s", err.text);
    }
    stop(&run);
    config_free(config);
    return status;
}
