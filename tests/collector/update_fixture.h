/* update_fixture: says one UPDATE to the parser and compares what it makes of it, line by line (update_text). */
#pragma once

#include "collector/bgp_update.h"

/* What the next messages are read with; each test begins with 4-octet AS numbers, no path-ids, all wanted. */
extern struct bgp_session fixture_session;
extern bool fixture_wanted[STATE_FAMILIES];
extern struct faults fixture_faults; // of all messages of the test

void fixture_setup(void);
void fixture_teardown(void);

/* body: "{withdrawn} {attributes} nlri" in update_text's notation. The lines stay until the next call. */
const char *fixture_say(const char *body);

/* The same for octets of a whole message. */
const char *fixture_say_message(struct octets message);

/* An UPDATE of link state: ORIGIN, an empty AS_PATH, attribute 29 with tlvs (NULL: without it), MP_REACH. */
const char *fixture_say_ls(const char *nlris, const char *tlvs);

/* Shorthands of the notation. */
#define WELL_KNOWN "4001(00) 4002() "
#define LOCAL_NODE "0100{0203{000000000001}}"
#define REMOTE_NODE "0101{0203{000000000002}}"
#define NODE "0001{02 0000000000000000 " LOCAL_NODE "}"
#define LINK_WITH(descriptors) "0002{02 0000000000000000 " LOCAL_NODE REMOTE_NODE descriptors "}"
#define LINK LINK_WITH("")
#define PREFIX_WITH(descriptors) "0003{02 0000000000000000 " LOCAL_NODE descriptors "}"
#define PREFIX PREFIX_WITH("0109{18c00002}")
#define IPV6_PREFIX_WITH(descriptors) "0004{02 0000000000000000 " LOCAL_NODE descriptors "}"
