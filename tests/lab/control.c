/* control: lines in, answers out. */
#include "control.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_LIMIT = 20000 }; // a whole message in hexadecimal

struct client {
    struct client *next;
    struct control *control;
    struct bufferevent *stream;
};

struct control {
    struct lab *lab;
    struct evconnlistener *listener;
    struct client *clients;
    struct sockaddr_un address;
};

static bool make_address(const char *path, struct sockaddr_un *out, struct error *err)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof out->sun_path)
        return error_set(err, ERROR_INPUT, "%s: a socket's path of 1 to %zu characters expected",
                         path, sizeof out->sun_path - 1);
    memcpy(out->sun_path, path, strlen(path) + 1);
    return true;
}

static int call_socket(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int failure = errno;

        (void)close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static void client_free(struct client *client)
{
    struct client **link = &client->control->clients;

    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    bufferevent_free(client->stream);
    free(client);
}

static void on_line(struct bufferevent *stream, void *argument)
{
    struct client *client = argument;
    struct evbuffer *input = bufferevent_get_input(stream);
    char *line;

    while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF))) {
        command_run(client->control->lab, line, bufferevent_get_output(stream));
        free(line);
    }
    if (evbuffer_get_length(input) > LINE_LIMIT)
        client_free(client);
}

static void on_drained(struct bufferevent *stream, void *argument)
{
    (void)stream;
    client_free(argument);
}

/* A client may close its side behind its last command; the answers still go out. */
static void on_end(struct bufferevent *stream, short what, void *argument)
{
    if ((what & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_output(stream)))
        bufferevent_setcb(stream, NULL, on_drained, on_end, argument);
    else
        client_free(argument);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *argument)
{
    struct control *control = argument;
    struct client *client = memory_alloc(1, sizeof *client);

    (void)listener;
    (void)peer;
    (void)length;
    client->control = control;
    client->stream = bufferevent_socket_new(control->lab->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client->stream)
        error_fatal("out of memory: bufferevent_socket_new");
    client->next = control->clients;
    control->clients = client;
    bufferevent_setcb(client->stream, on_line, NULL, on_end, client);
    (void)bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

struct control *control_new(struct lab *lab, const char *path, struct error *err)
{
    struct sockaddr_un address;

    if (!make_address(path, &address, err))
        return NULL;
    int fd = call_socket(&address);

    if (fd >= 0) {
        (void)close(fd);
        error_set(err, ERROR_SYSTEM, "%s: another lab answers there", path);
        return NULL;
    }
    if (errno == ECONNREFUSED)
        (void)unlink(path);
    struct control *control = memory_alloc(1, sizeof *control);
    mode_t mask = umask(0177);

    control->lab = lab;
    control->address = address;
    control->listener = evconnlistener_new_bind(lab->base, on_accept, control,
                                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
                                                (struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (!control->listener) {
        error_errno(err, errno, "%s: listening", path);
        free(control);
        return NULL;
    }
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    struct client *next;

    for (struct client *client = control->clients; client; client = next) {
        next = client->next;
        bufferevent_free(client->stream);
        free(client);
    }
    evconnlistener_free(control->listener);
    (void)unlink(control->address.sun_path);
    free(control);
}

bool control_call(const char *path, const char *line, bool *ok, struct error *err)
{
    struct sockaddr_un address;
    char answer[LINE_LIMIT];

    if (!make_address(path, &address, err))
        return false;
    int fd = call_socket(&address);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r+");

    if (!stream)
        return error_errno(err, errno, "%s: no lab answers", path);
    if (fprintf(stream, "%s\n", line) < 0 || fflush(stream) != 0) {
        error_errno(err, errno, "%s: writing", path);
        (void)fclose(stream);
        return false;
    }
    bool answered = false;

    while (!answered && fgets(answer, sizeof answer, stream)) {
        answered = answer[0] != ' ';
        *ok = strncmp(answer, "ok", 2) == 0;
        (void)fputs(answer, stdout);
    }
    (void)fclose(stream);
    return answered || error_set(err, ERROR_SYSTEM, "%s: closed without an answer", path);
}
