/* speaker: keeps a gobgpd as it is configured, and tells how its sessions are.
 *
 * gobgpd is brought to the wanted state by asking what is there and changing what differs, each time that the
 * connection to it was made: a gobgpd that was restarted empty is filled, one that is as wanted is left alone,
 * one that is configured otherwise is changed, with a line in the log. Our BMP station is registered, and
 * connected, before any neighbour is added (docs/spec/bgp-ls.md L-144), and nothing is ever advertised (L-098).
 *
 * With manage false nothing is changed: what is needed and missing is said in the log.
 *
 * Everything runs in the thread of the event base. */
#pragma once

#include "gobgp.h"
#include "lib/log.h"

struct speaker;

struct speaker_neighbour {
    const char *name;
    struct gobgp_neighbour wanted;
    bool renew; // a session that gobgpd has with it is to be made anew
};

/* How a configured neighbour is. Borrowed for the call. */
struct speaker_peer {
    size_t index; // in the list of neighbours given
    const char *name;
    struct prefix address;
    uint32_t asn;
    struct prefix router_id; // family 0: not known
    bool up;                 // the session is established
    enum gobgp_session session;
    int64_t since_us;       // UTC: when up last changed
    const char *last_error; // why it is not up, or last went down; "": nothing to tell
    int64_t asked_us;       // CLOCK_MONOTONIC: when gobgpd was asked for the figures below
    uint64_t updates;       // UPDATEs that gobgpd had from it
    struct {
        uint64_t received; // prefixes in gobgpd's Adj-RIB-In, at the last poll
        bool
            end_of_rib; // gobgpd's flag, at the last poll; false before the first one of a session (L-149)
    } families[STATE_FAMILIES];
};

struct speaker_options {
    struct event_base *base;
    const struct log *log; // borrowed until speaker_free
    struct endpoint api;
    bool manage;
    uint32_t asn;
    struct prefix router_id;
    struct prefix listen_address; // family 0: gobgpd does not listen for BGP
    uint16_t listen_port;
    struct prefix station_address; // of our BMP station, as gobgpd reaches it
    uint16_t station_port;
    bool
        station_is_new; // it was not listening before: a connection that gobgpd lists is a dead one
    const struct speaker_neighbour *neighbours;
    size_t neighbour_count;
    void *context; // of the handler
    /* After each poll, and as soon as a session comes or goes. */
    void (*on_peer)(void *context, const struct speaker_peer *peer);
};

/* Copies the options, and begins. A changed configuration is a new speaker: a gobgpd that is as wanted does not
 * notice. */
struct speaker *speaker_new(const struct speaker_options *options);

/* Leaves gobgpd as it is. Not from a handler. NULL is fine. */
void speaker_free(struct speaker *speaker);

/* Link state of the neighbour has come in just now. A gobgpd that dies while it comes has probably died of it
 * (L-143): a neighbour of whom that happens twice in ten minutes is taken down until the next speaker_new. */
void speaker_heard_link_state(struct speaker *speaker, size_t index);

/* The station has lost a connection: gobgpd is made to connect anew, at most once in five seconds, and what is
 * then told of its sessions is not to be taken as it is: see the next function. */
void speaker_renew_station(struct speaker *speaker);

/* Whether a session that BMP now tells to be up is told from its beginning. false: gobgpd had it before it
 * connected to our station, so what comes is gobgpd's own rendering of link state, which lacks delays, prefix
 * metrics and more, and confuses keys (L-144). The session is then made anew, and Peer Up comes again. Without
 * manage always true: better that than nothing. */
bool speaker_admits(struct speaker *speaker, size_t index);

/* The neighbour's session is made anew, so that it is told from its beginning. Not without manage. */
void speaker_renew(struct speaker *speaker, size_t index);

/* The API of the speaker's gobgpd while it is as wanted, for reading routes; NULL otherwise. */
struct gobgp *speaker_api(struct speaker *speaker);

/* How long to wait before gobgpd is asked for its neighbours again, when the last answer took it took_us. It counts
 * its tables for each answer and passes nothing on meanwhile (250 ms with two full ones): a tenth of its time while
 * a session is loading, a hundredth else; once a second at most, each 30 s at least. */
unsigned speaker_poll_ms(int64_t took_us, bool loaded);
