/* gobgp_answer: what GoBGP's API answers, told to a handler in our own types; only for gobgp.c and its tests.
 *
 * gobgpd passes on what peers said, so an answer is read like anything from outside: what is missing is left
 * out, an address that is none has family 0, a path that is malformed is told to the input's faults. */
#pragma once

#include "gobgp.h"

#include <gobgp.pb-c.h>

/* Who is told. */
struct gobgp_listener {
    const struct gobgp_handler *handler;
    const struct bgp_input
        *input;               // of gobgp_take_destination; its arena is reset after each answer
    enum state_family family; // likewise
};

/* Each takes the answer that its name says, which is borrowed. */
void gobgp_take_global(const struct gobgp_listener *listener, const ProtobufCMessage *answer);
void gobgp_take_station(const struct gobgp_listener *listener, const ProtobufCMessage *answer);
void gobgp_take_peer(const struct gobgp_listener *listener, const ProtobufCMessage *answer);
void gobgp_take_event(const struct gobgp_listener *listener, const ProtobufCMessage *answer);
void gobgp_take_destination(const struct gobgp_listener *listener, const ProtobufCMessage *answer);

Apipb__Family gobgp_family_message(enum state_family family);
