/* state_sql: the writer's statements, prepared once a connection.
 *
 * Whether a put changes anything is decided by SQLite while it writes (ON CONFLICT DO UPDATE … WHERE it
 * differs), so that a full feed heard again costs no sequence and no pages. Those of the link-state tables are
 * made from the tables' columns. */
#include "state_writer_inside.h"

static const char *const texts[FIXED_STATEMENTS] = {
    [PUT_PEER] =
        "INSERT INTO peer (peer_id, name, address, asn, router_id, rank, configured, state, "
        "since_us, last_error, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "ON CONFLICT (name) DO UPDATE SET (address, asn, router_id, rank, configured, state, "
        "since_us, last_error, sequence) = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "WHERE (address, asn, router_id, rank, configured, state, since_us, last_error) "
        "IS NOT (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [FIND_PEER] = "SELECT peer_id FROM peer WHERE name = ?1",
    [NEXT_PEER] = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'peer'",
    [PUT_FAMILY] =
        "INSERT INTO peer_family (peer_id, family, source, stale, stale_since_us, end_of_rib, "
        "end_of_rib_us, faulty, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
        "ON CONFLICT (peer_id, family) DO UPDATE SET (source, stale, stale_since_us, end_of_rib, "
        "end_of_rib_us, faulty, sequence) = (?3, ?4, ?5, ?6, ?7, ?8, ?9) WHERE (source, stale, "
        "stale_since_us, end_of_rib, end_of_rib_us, faulty) IS NOT (?3, ?4, ?5, ?6, ?7, ?8)",
    [DELETE_FAMILY] = "DELETE FROM peer_family WHERE peer_id = ?1 AND family = ?2",
    [PUT_METER] = "INSERT INTO meter (name, peer, value, time_us) VALUES (?1, ?2, ?3, ?4) "
                  "ON CONFLICT (name, peer) DO UPDATE SET value = ?3, time_us = ?4",
    [PUT_ASN] = "UPDATE meta SET local_asn = ?1 WHERE local_asn IS NOT ?1",
    [PUT_NEXT_ATTRIBUTES] = "UPDATE meta SET next_attributes_id = ?1",
    [PUT_SEQUENCE] = "INSERT INTO sequence (sequence, time_us) VALUES (?1, ?2)",
    [ADD_ATTRIBUTES] = "INSERT INTO attributes (attributes_id, origin, as_path, local_pref, med, "
                       "communities, large_communities, extended_communities, originator_id, "
                       "cluster_list, atomic_aggregate, aggregator, other) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [DELETE_ATTRIBUTES] = "DELETE FROM attributes WHERE attributes_id = ?1",
    [ADD_ROUTE] = "INSERT INTO route (peer_id, family, prefix, path_id, next_hop, attributes_id, "
                  "sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    [FIND_ROUTE] = "SELECT attributes_id, next_hop FROM route "
                   "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [UPDATE_ROUTE] = "UPDATE route SET next_hop = ?5, attributes_id = ?6, sequence = ?7 "
                     "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [DELETE_ROUTE] = "DELETE FROM route "
                     "WHERE peer_id = ?1 AND family = ?2 AND prefix = ?3 AND path_id = ?4",
    [KEYS_ROUTE] =
        "SELECT prefix, path_id, attributes_id FROM route WHERE peer_id = ?1 AND family = ?2 "
        "AND (prefix, path_id) > (?3, ?4) ORDER BY prefix, path_id LIMIT ?5",
    [BURY_ROUTES] =
        "INSERT OR REPLACE INTO tombstone (kind, peer_id, key, path_id, sequence) "
        "SELECT 'route', peer_id, prefix, path_id, ?7 FROM route WHERE peer_id = ?1 AND "
        "family = ?2 AND (prefix, path_id) >= (?3, ?4) AND (prefix, path_id) <= (?5, ?6)",
    [DELETE_ROUTES] = "DELETE FROM route WHERE peer_id = ?1 AND family = ?2 AND "
                      "(prefix, path_id) >= (?3, ?4) AND (prefix, path_id) <= (?5, ?6)",
    [ADD_TOMBSTONE] = "INSERT OR REPLACE INTO tombstone (kind, peer_id, key, path_id, sequence) "
                      "VALUES (?1, ?2, ?3, ?4, ?5)",
    [DELETE_TOMBSTONE] =
        "DELETE FROM tombstone WHERE kind = ?1 AND peer_id = ?2 AND key = ?3 AND path_id = ?4",
    [FIND_YOUNG] = "SELECT sequence FROM sequence WHERE time_us >= ?1 ORDER BY sequence LIMIT 1",
    [PUT_FLOOR] = "UPDATE meta SET floor = ?1",
    [PRUNE_SEQUENCES] = "DELETE FROM sequence WHERE sequence <= ?1",
    [PRUNE_TOMBSTONES] =
        "DELETE FROM tombstone WHERE (kind, peer_id, key, path_id) IN (SELECT kind, peer_id, key, "
        "path_id FROM tombstone WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)",
};

static bool prepare_ls(struct state_writer *writer, enum state_object kind, struct error *err)
{
    const struct state_table *table = &state_tables[kind];
    struct arena *arena = writer->scratch;
    const char *all = state_columns(table, arena), *values = "?1", *set = "", *old = "", *new = "";
    size_t count = 0;

    while (table->columns[count])
        count++;
    for (size_t i = 1; i < count; i++)
        values = arena_format(arena, "%s, ?%zu", values, i + 1);
    for (size_t i = table->key_columns; i < count; i++) {
        const char *comma = i > table->key_columns ? ", " : "";
        set = arena_format(arena, "%s%s%s = ?%zu", set, comma, table->columns[i], i + 1);
        if (i + 1 < count) { // a new sequence alone is no difference
            old = arena_format(arena, "%s%s%s", old, comma, table->columns[i]);
            new = arena_format(arena, "%s%s?%zu", new, comma, i + 1);
        }
    }
    const char *sql[LS_STATEMENTS] = {
        [LS_PUT] = arena_format(arena,
                                "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (nlri, peer_id) "
                                "DO UPDATE SET %s WHERE (%s) IS NOT (%s)",
                                table->name, all, values, set, old, new),
        [LS_ADD] = arena_format(arena, "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING",
                                table->name, all, values),
        [LS_MARK] = kind == OBJECT_OPAQUE
                        ? NULL
                        : arena_format(arena,
                                       "UPDATE %s SET has_attributes = 0, sequence = ?3 "
                                       "WHERE nlri = ?1 AND peer_id = ?2 AND has_attributes = 1",
                                       table->name),
        [LS_DELETE] =
            arena_format(arena, "DELETE FROM %s WHERE nlri = ?1 AND peer_id = ?2", table->name),
        [LS_KEYS] = arena_format(
            arena, "SELECT nlri FROM %s WHERE peer_id = ?1 AND nlri > ?2 ORDER BY nlri LIMIT ?3",
            table->name),
    };
    bool ok = true;
    for (size_t i = 0; ok && i < LS_STATEMENTS; i++)
        if (sql[i])
            ok = db_prepare(writer->db, sql[i], &writer->ls_statements[kind][i], err);
    arena_reset(arena);
    return ok;
}

bool writer_prepare(struct state_writer *writer, struct error *err)
{
    for (size_t i = 0; i < FIXED_STATEMENTS; i++)
        if (!db_prepare(writer->db, texts[i], &writer->statements[i], err))
            return false;
    for (unsigned kind = OBJECT_NODE; kind < LS_TABLES; kind++)
        if (!prepare_ls(writer, (enum state_object)kind, err))
            return false;
    return true;
}
