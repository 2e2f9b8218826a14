/* The client that drives a server and its peers in the same way: keep-alive connections over loopback TCP, each of
 * which sends its request again as soon as it has the answer (a closed loop), from one thread on one core.
 *
 *     bench_http --port N --request FILE [OPTION…]
 *
 *     --connections N       of them at once (1)
 *     --milliseconds N      measured, after a tenth as much to warm up (1000)
 *     --status N            that every answer must have (200)
 *     --background FILE     another request, asked again and again by …
 *     --background-connections N   … so many, whose answers are read but not measured (8)
 *     --cpu N               the core that the client runs on
 *     --server PID,…        whose time on a core is counted
 *
 * Bodies are read into memory, as every client does: a socket that is only drained would hide the cost of one way of
 * sending and not of another. What comes is not looked at beyond status and length; who calls has compared the
 * bytes before. While background answers stream in, measured connections are looked at after each piece of
 * PIECE bytes, so that what they wait for is the server and not this loop.
 *
 * Prints rate (answers a second, by bytes, so that answers of a second each count in parts), throughput, p50, p99,
 * p99.9 and the worst in us, the server's time on a core per answer, and the background's throughput. */
#include "figures.h"
#include "lib/arena.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HEAD_MOST = 4096,
    PIECE = 65536,
    CONNECTIONS_MOST = 4096,
    EVENTS = 64,
    SAMPLES_MOST = 1 << 24,
    SERVERS_MOST = 16,
    STALL_MS = 60000, // without any news the server is taken for dead
};

struct request {
    char *bytes;
    size_t length;
};

struct options {
    uint16_t port;
    uint64_t connections, background_connections, milliseconds, status;
    int cpu; // -1: any
    struct request request, background;
    uint64_t servers[SERVERS_MOST];
    size_t server_count;
};

struct connection {
    int fd;
    bool is_background;
    char head[HEAD_MOST + 1];
    size_t head_used;
    bool in_body;
    uint64_t body_left;
    double sent_ms;
};

struct run {
    struct options options;
    struct connection *connections;
    size_t connection_count;
    int all_fd, measured_fd; // epoll: every connection; the measured ones alone
    char *piece;
    bool is_measuring;
    uint64_t answer_bytes; // of a measured answer, head and body; 0: none was seen yet
    uint64_t bytes, background_bytes, answers;
    float *samples; // us
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_http: %s: %s\n", what, why);
    exit(1);
}

/* ---- Words ---- */

static uint64_t number_of(const char *option, const char *text, uint64_t low, uint64_t high)
{
    uint64_t value = 0;

    if (!text_uint(text, strlen(text), low, high, &value))
        fail(option, "a number expected");
    return value;
}

static struct request read_request(const char *path)
{
    struct request request = {.bytes = memory_alloc(PIECE, 1)};
    FILE *file = fopen(path, "re");

    if (!file)
        fail(path, strerror(errno));
    request.length = fread(request.bytes, 1, PIECE, file);
    (void)fclose(file);
    if (request.length == 0 || request.length == PIECE)
        fail(path, "a request of less than 64 kB expected");
    return request;
}

static void read_servers(char *list, struct options *out)
{
    for (char *word; (word = strsep(&list, ","));) {
        if (out->server_count == SERVERS_MOST)
            fail("--server", "too many");
        out->servers[out->server_count++] = number_of("--server", word, 1, INT32_MAX);
    }
}

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"request", required_argument, NULL, 'r'},
        {"connections", required_argument, NULL, 'c'},
        {"milliseconds", required_argument, NULL, 'm'},
        {"status", required_argument, NULL, 's'},
        {"background", required_argument, NULL, 'b'},
        {"background-connections", required_argument, NULL, 'n'},
        {"cpu", required_argument, NULL, 'u'},
        {"server", required_argument, NULL, 'v'},
        {0},
    };
    struct options out = {.connections = 1,
                          .background_connections = 8,
                          .milliseconds = 1000,
                          .status = 200,
                          .cpu = -1};

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'p':
            out.port = (uint16_t)number_of("--port", optarg, 1, UINT16_MAX);
            break;
        case 'r':
            out.request = read_request(optarg);
            break;
        case 'c':
            out.connections = number_of("--connections", optarg, 1, CONNECTIONS_MOST);
            break;
        case 'm':
            out.milliseconds = number_of("--milliseconds", optarg, 10, 3600000);
            break;
        case 's':
            out.status = number_of("--status", optarg, 200, 599);
            break;
        case 'b':
            out.background = read_request(optarg);
            break;
        case 'n':
            out.background_connections =
                number_of("--background-connections", optarg, 1, CONNECTIONS_MOST);
            break;
        case 'u':
            out.cpu = (int)number_of("--cpu", optarg, 0, CPU_SETSIZE - 1);
            break;
        case 'v':
            read_servers(optarg, &out);
            break;
        default:
            exit(2);
        }
    }
    if (!out.port || !out.request.bytes || optind != argc)
        fail("usage", "--port N --request FILE [OPTION…] expected");
    return out;
}

/* ---- Connections ---- */

static const struct request *request_of(const struct run *run, const struct connection *c)
{
    return c->is_background ? &run->options.background : &run->options.request;
}

static void send_request(const struct run *run, struct connection *c)
{
    const struct request *request = request_of(run, c);

    c->head_used = 0;
    c->in_body = false;
    c->sent_ms = figures_now_ms();
    ssize_t sent = send(c->fd, request->bytes, request->length, MSG_NOSIGNAL);
    if (sent < 0 || (size_t)sent != request->length) // it is smaller than a socket's buffer
        fail("sending", sent < 0 ? strerror(errno) : "cut short");
}

static void watch(int epoll, struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("epoll_ctl", strerror(errno));
}

static void open_connection(const struct run *run, struct connection *c)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(run->options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connecting", strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        fail("fcntl", strerror(errno));
    watch(run->all_fd, c);
    if (!c->is_background)
        watch(run->measured_fd, c);
    send_request(run, c);
}

/* The value of Content-Length; 304 and 204 have no body. */
static uint64_t body_length(const char *head, uint64_t status)
{
    const char *field = strcasestr(head, "\r\ncontent-length:");

    if (status == 204 || status == 304)
        return 0;
    if (!field)
        fail("an answer", "Content-Length expected");
    field += strlen("\r\ncontent-length:");
    while (*field == ' ')
        field++;
    size_t digits = 0;
    while (isdigit((unsigned char)field[digits]))
        digits++;
    uint64_t length = 0;
    if (!text_uint(field, digits, 0, INT64_MAX, &length))
        fail("an answer", "Content-Length is no number");
    return length;
}

/* The head is complete; what stands behind it is body. */
static void begin_body(struct run *run, struct connection *c, const char *end)
{
    size_t head_length = (size_t)(end - c->head) + 4, behind = c->head_used - head_length;
    uint64_t status = 0;

    if (strncmp(c->head, "HTTP/1.1 ", 9) != 0 || !text_uint(c->head + 9, 3, 100, 599, &status))
        fail("an answer", "HTTP/1.1 and a status expected");
    if (status != (c->is_background ? 200 : run->options.status)) {
        c->head[64] = '\0';
        fail("another status than expected", c->head);
    }
    uint64_t length = body_length(c->head, status);
    if (behind > length)
        fail("an answer", "longer than its Content-Length");
    if (!c->is_background) {
        if (run->answer_bytes && run->answer_bytes != head_length + length)
            fail("an answer", "another length than the one before");
        run->answer_bytes = head_length + length;
    }
    c->in_body = true;
    c->body_left = length - behind;
}

static void end_answer(struct run *run, struct connection *c)
{
    if (run->is_measuring && !c->is_background) {
        if (run->answers < SAMPLES_MOST)
            run->samples[run->answers] = (float)((figures_now_ms() - c->sent_ms) * 1e3);
        run->answers++;
    }
    send_request(run, c);
}

/* Reads one piece. */
static void on_readable(struct run *run, struct connection *c)
{
    char *to = c->in_body ? run->piece : c->head + c->head_used;
    size_t room = c->in_body ? (c->body_left < PIECE ? (size_t)c->body_left : PIECE)
                             : HEAD_MOST - c->head_used;
    ssize_t got = recv(c->fd, to, room, 0);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("reading", got < 0 ? strerror(errno) : "connection closed, or a head of over 4 kB");
    if (run->is_measuring)
        *(c->is_background ? &run->background_bytes : &run->bytes) += (uint64_t)got;
    if (c->in_body) {
        c->body_left -= (uint64_t)got;
    } else {
        c->head_used += (size_t)got;
        c->head[c->head_used] = '\0';
        const char *end = strstr(c->head, "\r\n\r\n");
        if (!end)
            return;
        begin_body(run, c, end);
    }
    if (c->body_left == 0)
        end_answer(run, c);
}

/* ---- The run ---- */

static void serve_measured(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run->measured_fd, events, EVENTS, 0);

    for (int i = 0; i < count; i++)
        on_readable(run, events[i].data.ptr);
}

static void run_for(struct run *run, double milliseconds)
{
    struct epoll_event events[EVENTS];
    double end = figures_now_ms() + milliseconds;

    while (figures_now_ms() < end) {
        int count = epoll_wait(run->all_fd, events, EVENTS, STALL_MS);
        if (count == 0)
            fail("the server", "no byte in a minute");
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            on_readable(run, c);
            if (c->is_background)
                serve_measured(run);
        }
    }
}

/* Nanoseconds on a core of all threads of a process. A thread that ends takes its own with it; servers keep
 * theirs. */
static double cpu_ns(uint64_t pid)
{
    char path[64], line[128];
    double sum = 0;

    (void)snprintf(path, sizeof path, "/proc/%llu/task", (unsigned long long)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        fail(path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char file[512];
        (void)snprintf(file, sizeof file, "%s/%.200s/schedstat", path, entry->d_name);
        FILE *stat = entry->d_name[0] == '.' ? NULL : fopen(file, "re");
        if (stat && fgets(line, sizeof line, stat))
            sum += (double)strtoull(line, NULL, 10);
        if (stat)
            (void)fclose(stat);
    }
    (void)closedir(tasks);
    return sum;
}

static double servers_cpu_ns(const struct options *options)
{
    double sum = 0;

    for (size_t i = 0; i < options->server_count; i++)
        sum += cpu_ns(options->servers[i]);
    return sum;
}

static int compare_samples(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void print_latency(struct run *run)
{
    size_t count = run->answers < SAMPLES_MOST ? run->answers : SAMPLES_MOST;

    if (!count)
        return;
    qsort(run->samples, count, sizeof *run->samples, compare_samples);
    figures_print("p50", run->samples[count / 2], "us");
    figures_print("p99", run->samples[count - 1 - count / 100], "us");
    figures_print("p99.9", run->samples[count - 1 - count / 1000], "us");
    figures_print("worst", run->samples[count - 1], "us");
}

static void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("--cpu", strerror(errno));
}

static void open_all(struct run *run)
{
    size_t measured = (size_t)run->options.connections;
    size_t background =
        run->options.background.bytes ? (size_t)run->options.background_connections : 0;

    run->all_fd = epoll_create1(EPOLL_CLOEXEC);
    run->measured_fd = epoll_create1(EPOLL_CLOEXEC);
    if (run->all_fd < 0 || run->measured_fd < 0)
        fail("epoll_create1", strerror(errno));
    run->connection_count = measured + background;
    run->connections = memory_alloc(run->connection_count, sizeof *run->connections);
    run->piece = memory_alloc(PIECE, 1);
    run->samples = memory_alloc(SAMPLES_MOST, sizeof *run->samples);
    for (size_t i = 0; i < run->connection_count; i++) {
        run->connections[i].is_background = i >= measured;
        open_connection(run, &run->connections[i]);
    }
}

static void close_all(struct run *run)
{
    for (size_t i = 0; i < run->connection_count; i++)
        (void)close(run->connections[i].fd);
    (void)close(run->all_fd);
    (void)close(run->measured_fd);
    free(run->connections);
    free(run->piece);
    free(run->samples);
    free(run->options.request.bytes);
    free(run->options.background.bytes);
}

int main(int argc, char **argv)
{
    struct run run = {.options = read_options(argc, argv)};
    double milliseconds = (double)run.options.milliseconds;

    if (run.options.cpu >= 0)
        pin(run.options.cpu);
    open_all(&run);
    run_for(&run, milliseconds / 10);
    while (!run.answer_bytes) // an answer of many seconds
        run_for(&run, 10);
    run.is_measuring = true;
    double cpu = servers_cpu_ns(&run.options), start = figures_now_ms();
    run_for(&run, milliseconds);
    double seconds = (figures_now_ms() - start) / 1e3;
    cpu = servers_cpu_ns(&run.options) - cpu;
    double answers = (double)run.bytes / (double)run.answer_bytes;
    figures_print("rate", answers / seconds, "1/s");
    figures_print("throughput", (double)run.bytes / 1e6 / seconds, "MB/s");
    if (run.options.server_count)
        figures_print("cpu", answers > 0 ? cpu / 1e3 / answers : 0, "us");
    print_latency(&run);
    if (run.options.background.bytes)
        figures_print("background", (double)run.background_bytes / 1e6 / seconds, "MB/s");
    close_all(&run);
    return 0;
}
