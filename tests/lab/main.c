/* altimeter-lab: plays a backbone's route reflectors from a scenario (docs/lab.md). */
#include "capture.h"
#include "control.h"
#include "export.h"
#include "replay.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

struct options {
    enum {
        MODE_PLAY,
        MODE_CHECK,
        MODE_EXPORT,
        MODE_DUMP,
        MODE_CONTROL,
        MODE_STREAMS,
        MODE_REPLAY
    } mode;
    const char *file; // of --dump, --streams
    struct replay_options replay;
    const char *socket;
    const char *record; // file to record into; NULL: none
    const char *listen[REFLECTOR_LIMIT];
    size_t listen_count;
    const char *bmp[BMP_ROUTER_LIMIT];
    size_t bmp_count;
    struct log log;
};

static const char usage[] =
    "Usage: altimeter-lab [--socket PATH] [--listen REFLECTOR=ADDRESS:PORT]...\n"
    "                     [--bmp ROUTER=ADDRESS:PORT]... [--record FILE] SCENARIO\n"
    "       altimeter-lab --check SCENARIO\n"
    "       altimeter-lab --export-json SCENARIO\n"
    "       altimeter-lab --dump PCAP SCENARIO\n"
    "       altimeter-lab --control PATH COMMAND\n"
    "       altimeter-lab --streams RECORDING\n"
    "       altimeter-lab --replay RECORDING [--stream NAME] --to|--at ADDRESS:PORT [--speed "
    "max|N]\n"
    "                     [--as N] [--router-id ID] [--from ADDRESS] [--leave]\n"
    "\n"
    "Plays the route reflectors of a scenario as BGP speakers, and routers that export BMP; or "
    "plays\n"
    "a recording: MRT (messages or a table), pcap or pcapng of BGP or BMP, or the octets of a BMP\n"
    "stream.\n"
    "  --socket PATH       take commands on this Unix socket\n"
    "  --listen R=A:P      put reflector R at another address and port\n"
    "  --bmp R=A:P         the same for router R of the section bmp: where its station is, or it "
    "listens\n"
    "  --record FILE       write what the sessions say: FILE.mrt of BGP, FILE.pcap of BGP and BMP\n"
    "  --log-level LEVEL   error, warning, info (default) or debug\n"
    "  --check             read the scenario and say what is wrong with it\n"
    "  --export-json       print the scenario's facts as JSON\n"
    "  --dump PCAP         write all messages of all reflectors and BMP routers as a packet "
    "capture\n"
    "  --control PATH      send one command to a running lab (\"help\" lists them)\n"
    "  --streams FILE      list what one side of each session said in a recording\n"
    "  --replay FILE       say it again to a real peer, in a session of its own\n"
    "  --stream NAME       which one, if there are several: its name or number in the list\n"
    "  --to A:P, --at A:P  call the peer there, or wait for it here\n"
    "  --speed max|N       as fast as the peer reads, or N times as fast; without it as recorded\n"
    "  --as N              our AS number, --router-id our BGP identifier: instead of the recorded "
    "ones\n"
    "  --from ADDRESS      the address to call from\n"
    "  --leave             end the session when all is said, instead of keeping it up\n";

/* Options that keep a text. */
static bool read_text(int option, const char *argument, struct options *out)
{
    struct replay_options *replay = &out->replay;
    const struct {
        int option;
        const char **text;
    } texts[] = {
        {'s', &out->socket},   {'r', &out->record}, {'i', &replay->stream},
        {'t', &replay->to},    {'a', &replay->at},  {'f', &replay->from},
        {'p', &replay->speed}, {'n', &replay->as},  {'o', &replay->router_id},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].option == option) {
            *texts[i].text = argument;
            return true;
        }
    }
    return false;
}

/* Options that say what is to be done, with the place of their argument. */
static bool read_mode(int option, const char *argument, struct options *out)
{
    const struct {
        int option, mode;
        const char **text; // NULL: no argument
    } modes[] = {
        {'c', MODE_CHECK, NULL},         {'j', MODE_EXPORT, NULL},
        {'d', MODE_DUMP, &out->file},    {'k', MODE_CONTROL, &out->socket},
        {'S', MODE_STREAMS, &out->file}, {'R', MODE_REPLAY, &out->replay.file},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (modes[i].option != option)
            continue;
        out->mode = modes[i].mode;
        if (modes[i].text)
            *modes[i].text = argument;
        return true;
    }
    return false;
}

static bool read_other(int option, const char *argument, struct options *out)
{
    switch (option) {
    case 'l':
        if (out->listen_count == REFLECTOR_LIMIT)
            return false;
        out->listen[out->listen_count++] = argument;
        return true;
    case 'b':
        if (out->bmp_count == BMP_ROUTER_LIMIT)
            return false;
        out->bmp[out->bmp_count++] = argument;
        return true;
    case 'v':
        return log_level_parse(argument, &out->log.level);
    case 'L':
        out->replay.leave = true;
        return true;
    case 'h':
        (void)fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *out)
{
    static const struct option names[] = {
        {"socket", required_argument, NULL, 's'},
        {"listen", required_argument, NULL, 'l'},
        {"record", required_argument, NULL, 'r'},
        {"bmp", required_argument, NULL, 'b'},
        {"streams", required_argument, NULL, 'S'},
        {"replay", required_argument, NULL, 'R'},
        {"stream", required_argument, NULL, 'i'},
        {"to", required_argument, NULL, 't'},
        {"at", required_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'f'},
        {"speed", required_argument, NULL, 'p'},
        {"as", required_argument, NULL, 'n'},
        {"router-id", required_argument, NULL, 'o'},
        {"leave", no_argument, NULL, 'L'},
        {"log-level", required_argument, NULL, 'v'},
        {"check", no_argument, NULL, 'c'},
        {"export-json", no_argument, NULL, 'j'},
        {"dump", required_argument, NULL, 'd'},
        {"control", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (!read_text(option, optarg, out) && !read_mode(option, optarg, out) &&
            !read_other(option, optarg, out))
            return false;
    }
    if (out->mode == MODE_REPLAY)
        return optind == argc && !out->replay.to != !out->replay.at;
    return optind == argc - (out->mode == MODE_STREAMS ? 0 : 1);
}

static void on_signal(evutil_socket_t number, short what, void *base)
{
    (void)number;
    (void)what;
    (void)event_base_loopbreak(base);
}

static bool play(struct backbone *backbone, const struct options *options, struct error *err)
{
    struct lab lab = {.base = event_base_new(), .backbone = backbone, .log = &options->log};
    struct event *interrupt = NULL, *terminate = NULL;
    struct control *control = NULL;
    struct record *record = NULL;
    struct error failure;
    bool ok = false;

    if (!lab.base)
        return error_set(err, ERROR_SYSTEM, "libevent refuses to start");
    if (options->record && !(record = record_open(options->record, err)))
        goto done;
    interrupt = evsignal_new(lab.base, SIGINT, on_signal, lab.base);
    terminate = evsignal_new(lab.base, SIGTERM, on_signal, lab.base);
    if (!interrupt || !terminate || event_add(interrupt, NULL) != 0 ||
        event_add(terminate, NULL) != 0) {
        error_set(err, ERROR_SYSTEM, "libevent refuses signals");
        goto done;
    }
    backbone_build(backbone);
    lab.speaker = speaker_new(lab.base, backbone, &options->log, record, err);
    if (!lab.speaker)
        goto done;
    lab.bmp = bmp_routers_new(lab.base, backbone, &options->log, record, err);
    if (!lab.bmp)
        goto done;
    if (options->socket && !(control = control_new(&lab, options->socket, err)))
        goto done;
    log_info(&options->log, "playing: scenario=%s reflectors=%zu",
             backbone_scenario(backbone)->name, backbone_scenario(backbone)->reflector_count);
    ok = event_base_dispatch(lab.base) >= 0 ||
         error_set(err, ERROR_SYSTEM, "libevent's loop failed");
done:
    control_free(control);
    bmp_routers_free(lab.bmp);
    speaker_free(lab.speaker);
    if (interrupt)
        event_free(interrupt);
    if (terminate)
        event_free(terminate);
    event_base_free(lab.base);
    if (!record_close(record, &failure) && ok) {
        *err = failure;
        ok = error_in(err, "--record");
    }
    return ok;
}

static bool dump(struct backbone *backbone, const char *file, struct error *err)
{
    FILE *stream = fopen(file, "wb");

    if (!stream)
        return error_errno(err, errno, "%s", file);
    bool ok = capture_write(backbone, stream);

    if (fclose(stream) != 0 || !ok)
        return error_errno(err, errno, "%s", file);
    return true;
}

/* Puts reflectors and BMP routers where the command line says. */
static bool move_all(struct scenario *scenario, const struct options *options, struct error *err)
{
    for (size_t i = 0; i < options->listen_count; i++) {
        if (!scenario_move_reflector(scenario, options->listen[i], err))
            return error_in(err, "--listen");
    }
    for (size_t i = 0; i < options->bmp_count; i++) {
        if (!scenario_move_bmp_router(scenario, options->bmp[i], err))
            return error_in(err, "--bmp");
    }
    return true;
}

static bool run(const struct options *options, const char *argument, struct error *err)
{
    struct scenario *scenario = scenario_load(argument, err);

    if (!scenario)
        return false;
    if (!move_all(scenario, options, err)) {
        scenario_free(scenario);
        return false;
    }
    struct backbone *backbone = backbone_new(scenario);
    bool ok = true;

    if (options->mode == MODE_PLAY)
        ok = play(backbone, options, err);
    else if (options->mode == MODE_DUMP)
        ok = dump(backbone, options->file, err);
    else if (options->mode == MODE_EXPORT)
        ok =
            export_json(backbone, stdout) || error_set(err, ERROR_SYSTEM, "stdout: writing failed");
    backbone_free(backbone);
    return ok;
}

int main(int argc, char **argv)
{
    struct options options = {.log = log_default()};
    struct error err;
    bool ok = true;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!read_options(argc, argv, &options)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    options.replay.log = &options.log;
    bool done = options.mode == MODE_CONTROL ? control_call(options.socket, argv[optind], &ok, &err)
                : options.mode == MODE_STREAMS ? replay_list(options.file, &err)
                : options.mode == MODE_REPLAY  ? replay_run(&options.replay, &err)
                                               : run(&options, argv[optind], &err);

    if (!done) {
        (void)fprintf(stderr, "altimeter-lab: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
