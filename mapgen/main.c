/* altimeter-mapgen: computes PIDs and costs from state.db and publishes them as snapshots.
 *
 * main reads options and configuration, makes the run and turns it until a signal says otherwise. Signals come
 * through a descriptor, so that they are looked at between two turns and nowhere else. */
#include "lib/config.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/text.h"
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

static struct run_time time_now(void)
{
    return (struct run_time){text_now_us(), text_steady_us()};
}

/* -1 with *err on failure. */
static int open_signals(struct error *err)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of write(2), not our end
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        error_errno(err, errno, "signalfd");
    return fd;
}

/* Waits for the next turn or a signal, whichever comes first; the signal's number or 0. */
static int wait_for_signal(int fd, int64_t wait_us)
{
    struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    struct signalfd_siginfo info;

    if (ppoll(&wanted, 1, &wait, NULL) <= 0 || read(fd, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

/* A bad file leaves the old configuration in force. */
static void reload(struct run *run, const char *path, struct config **config, struct log *log)
{
    struct error err;
    struct config *next;

    (void)sd_notify(0, "RELOADING=1");
    next = config_load(path, NULL, &err);
    if (next) {
        log->level = next->log.level;
        run_configure(run, next, log);
        config_free(*config);
        *config = next;
        log_info(log, "configuration read again: file=%s", path);
    } else {
        log_error(log, "configuration not taken over, the old one stays: reason=\"%s\"", err.text);
    }
    (void)sd_notify(0, "READY=1");
}

static int follow(struct run *run, const char *path, struct config **config, struct log *log)
{
    struct error err;
    int signals = open_signals(&err), number = 0;

    if (signals < 0) {
        log_error(log, "not started: reason=\"%s\"", err.text);
        return EXIT_FAILURE;
    }
    (void)sd_notify(0, "READY=1");
    log_info(log, "started: state=%s snapshots=%s", (*config)->state.database,
             (*config)->snapshots.map_directory);
    while (number != SIGTERM && number != SIGINT) {
        number = wait_for_signal(signals, run_step(run, time_now()));
        if (number == SIGHUP)
            reload(run, path, config, log);
    }
    (void)sd_notify(0, "STOPPING=1");
    log_info(log, "stopped: signal=%d", number);
    (void)close(signals);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    bool once = false;
    const struct program_option own[] = {
        {"once", 0, NULL, "Publish one map of what state.db holds now, and exit.", .flag = &once},
    };
    const struct program program = {
        .name = "altimeter-mapgen",
        .summary = "Computes PIDs and costs from state.db and publishes them as snapshots.",
        .options = own,
        .option_count = sizeof own / sizeof *own,
        .notes = "Signals: SIGHUP reads the configuration again (a bad one leaves the old one in "
                 "force);\n"
                 "SIGTERM and SIGINT end the program.\n"
                 "Exit status: 0 done, 1 failed (the log says why), 2 called wrongly.\n",
    };
    struct log log = log_default();
    struct options options;
    struct error err;
    int status;

    if (!options_start(&program, argc, argv, &options, &status))
        return status;
    struct config *config = config_load(options.config_path, stderr, &err);
    if (!config)
        return EXIT_FAILURE; // every mistake has been written
    log.level = config->log.level;
    struct run *run = run_new(config, &log, time_now());
    if (once)
        status = run_once(run, time_now()) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        status = follow(run, options.config_path, &config, &log);
    run_free(run);
    config_free(config);
    return status;
}
