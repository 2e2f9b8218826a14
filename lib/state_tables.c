/* state_tables: the columns of state.db's objects, in the order in which rows are bound and read. */
#include "state_rows.h"

#include <stdio.h>
#include <string.h>

const struct state_table state_tables[] = {
    [OBJECT_ROUTE] = {"route",
                      4,
                      {"peer_id", "family", "prefix", "path_id", "next_hop", "attributes_id",
                       "sequence"}},
    [OBJECT_NODE] = {"ls_node",
                     2,
                     {"nlri", "peer_id", "node", "protocol", "instance", "asn", "bgp_ls_id", "area",
                      "router_id", "bgp_router_id", "has_attributes", "name", "flags", "topologies",
                      "isis_areas", "ipv4_router_ids", "ipv6_router_ids", "other", "sequence"}},
    [OBJECT_LINK] = {"ls_link",
                     2,
                     {"nlri",
                      "peer_id",
                      "local_node",
                      "remote_node",
                      "protocol",
                      "instance",
                      "local_router_id",
                      "remote_router_id",
                      "local_link_id",
                      "remote_link_id",
                      "local_addresses",
                      "remote_addresses",
                      "topology",
                      "has_attributes",
                      "igp_metric",
                      "te_metric",
                      "admin_group",
                      "max_bandwidth_bps",
                      "max_reservable_bps",
                      "srlgs",
                      "name",
                      "delay_us",
                      "delay_anomalous",
                      "delay_min_us",
                      "delay_max_us",
                      "delay_min_max_anomalous",
                      "delay_variation_us",
                      "loss_3e8",
                      "loss_anomalous",
                      "residual_bps",
                      "available_bps",
                      "utilized_bps",
                      "local_ipv4_router_ids",
                      "local_ipv6_router_ids",
                      "remote_ipv4_router_ids",
                      "remote_ipv6_router_ids",
                      "other",
                      "sequence"}},
    [OBJECT_PREFIX] = {"ls_prefix",
                       2,
                       {"nlri", "peer_id", "node", "protocol", "instance", "router_id", "prefix",
                        "topology", "ospf_route_type", "has_attributes", "igp_flags",
                        "attribute_flags", "metric", "other", "sequence"}},
    [OBJECT_OPAQUE] = {"ls_opaque", 2, {"nlri", "peer_id", "attribute", "sequence"}},
};

const char state_peer_columns[] =
    "peer_id, name, address, asn, router_id, rank, configured, state, since_us, last_error";
const char state_peer_family_columns[] =
    "peer_id, family, source, stale, stale_since_us, end_of_rib, end_of_rib_us, faulty";
const char state_attributes_columns[] =
    "attributes_id, origin, as_path, local_pref, med, communities, large_communities, "
    "extended_communities, originator_id, cluster_list, atomic_aggregate, aggregator, other";

const char *state_columns(const struct state_table *table, struct arena *arena)
{
    const char *list = table->columns[0];

    for (size_t i = 1; table->columns[i]; i++)
        list = arena_format(arena, "%s, %s", list, table->columns[i]);
    return list;
}
