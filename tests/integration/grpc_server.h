/* grpc_server: a gRPC server for tests, in this process, on a thread of its own.
 *
 * What it does is in the method's name; requests are apipb.EbgpMultihop, whose multihop_ttl is n:
 *
 *     /test.Test/Echo      the request comes back
 *     /test.Test/Count     n answers with multihop_ttl 0 to n - 1
 *     /test.Test/Blocks    n answers of 64 KiB
 *     /test.Test/Big       one answer of n bytes
 *     /test.Test/Garbage   one answer that is no protobuf message
 *     /test.Test/Refuse    NOT_FOUND "no such thing"
 *     /test.Test/Silent    nothing, until cancelled
 *     others               UNIMPLEMENTED
 *
 * As GoBGP 4 it also answers /api.GoBgpService/GetBgp, with nothing. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct grpc_server_test;

/* address: "unix:/path" or "127.0.0.1:0"; *port is what was bound (1 for Unix). */
struct grpc_server_test *grpc_server_test_start(const char *address, int *port);

/* Ends the calls in flight as a dying process would: without a status of its own. */
void grpc_server_test_stop(struct grpc_server_test *server);

void grpc_server_test_as_gobgp_4(struct grpc_server_test *server, bool yes);

unsigned grpc_server_test_sent(const struct grpc_server_test *server); // answers, of all calls
