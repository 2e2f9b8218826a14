-- What explains a table stands inside its statement: `.schema` shows it.

PRAGMA application_id = 0x414c5453; -- 'ALTS'
PRAGMA user_version = 1;

CREATE TABLE meta (
  -- state.db: what the network says now.
  --
  -- Written by one process, the collector; read by anybody:   sqlite3 -readonly state.db
  -- Plain `sqlite3` would open it for writing, and Debian's SQLite can damage a WAL file when two
  -- connections checkpoint.
  --
  -- Every committed change gets the next number of table sequence. A row carries the sequence of its last
  -- change; what is gone leaves a row in tombstone. So a reader that holds everything up to sequence n asks
  -- for rows and tombstones above n. A reader below meta.floor, or one that meets another meta.generation,
  -- reads everything again.
  --
  -- Times are microseconds since 1970, UTC: SELECT datetime(since_us / 1000000, 'unixepoch') FROM peer;
  -- NULL means unknown, never zero. Units are in the names: delay_us, bandwidth_bps (bits per second).
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  generation  TEXT NOT NULL,     -- random, new whenever this file was created anew
  floor       INTEGER NOT NULL,  -- the lowest sequence from which a reader can still follow
  local_asn   INTEGER,           -- the configured own AS; NULL before the first run
  next_attributes_id INTEGER NOT NULL -- ids are not used twice: what was read under one stays true
);

CREATE TABLE sequence (
  -- Newest row = the present. A heartbeat adds a row every 10 s, so that a silent network and a dead
  -- collector look different. Old rows go with the tombstones.
  sequence    INTEGER PRIMARY KEY,
  time_us     INTEGER NOT NULL
);

CREATE TABLE peer (
  -- Who tells us: a BGP neighbour of our speaker, or a router that a BMP station hears of. The order of
  -- "rank" is that of the configuration; it decides which source's attributes count when two differ.
  peer_id     INTEGER PRIMARY KEY AUTOINCREMENT, -- not used twice
  name        TEXT NOT NULL UNIQUE,  -- as configured
  address     TEXT NOT NULL,
  asn         INTEGER,
  router_id   TEXT,
  rank        INTEGER NOT NULL,
  configured  INTEGER NOT NULL,      -- 0: no longer in the configuration; about to be deleted with all it said
  state       TEXT NOT NULL CHECK (state IN ('never', 'up', 'down')),
  since_us    INTEGER NOT NULL,      -- of that state
  last_error  TEXT,                  -- why the session ended or does not come up
  sequence    INTEGER NOT NULL
);

CREATE TABLE peer_family (
  -- One row a (peer, family): a session that drops makes its routes stale by changing this row alone.
  peer_id       INTEGER NOT NULL,
  family        TEXT NOT NULL CHECK (family IN ('ipv4-unicast', 'ipv6-unicast', 'link-state')),
  source        TEXT NOT NULL CHECK (source IN ('bmp', 'grpc')), -- the door it comes by
  stale         INTEGER NOT NULL,      -- 1: the session is down, or back without its end-of-RIB
  stale_since_us INTEGER,
  end_of_rib    TEXT NOT NULL CHECK (end_of_rib IN ('no', 'received', 'assumed')), -- of this session
  end_of_rib_us INTEGER,
  faulty        TEXT,                  -- why what it says can no longer be trusted; NULL: it can
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (peer_id, family)
) WITHOUT ROWID;

CREATE TABLE attributes (
  -- Path attributes without next hop, each set once.
  attributes_id     INTEGER PRIMARY KEY,
  origin            INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2), -- 0 IGP, 1 EGP, 2 incomplete
  as_path           TEXT NOT NULL,  -- '64500 64501 {64510,64511} (65001 65002) [65003]': set, confederation sequence and set
  local_pref        INTEGER,
  med               INTEGER,
  communities       TEXT,           -- '64500:1 64500:20', ascending
  large_communities TEXT,           -- '64500:1:2 …', ascending
  extended_communities TEXT,        -- hex of eight octets each, ascending
  originator_id     TEXT,
  cluster_list      TEXT,           -- '10.0.0.1 10.0.0.2'
  atomic_aggregate  INTEGER NOT NULL DEFAULT 0,
  aggregator        TEXT,           -- '64500 10.0.0.1'
  other             BLOB            -- path attributes that we do not know, as they came (flags, code, length, value)
);

CREATE TABLE route (
  peer_id       INTEGER NOT NULL,
  family        INTEGER NOT NULL CHECK (family IN (4, 6)),
  prefix        TEXT NOT NULL,         -- '198.51.100.0/24'
  path_id       INTEGER NOT NULL,      -- of ADD-PATH; 0 without
  next_hop      TEXT NOT NULL,
  attributes_id INTEGER NOT NULL,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (peer_id, family, prefix, path_id)
) WITHOUT ROWID;
CREATE INDEX route_sequence ON route (sequence);

CREATE TABLE ls_node (
  -- Link state. One row a source (peer) and NLRI; the NLRI's octets as they came are its identity
  -- (docs/spec/bgp-ls.md L-010). "node" columns hold the canonical node NLRI (map-generation.md part 0):
  -- type 1, length, Protocol-ID, Instance-ID, 256 with the sub-TLVs 512 to 517 that it has.
  --   protocol: 1 IS-IS L1, 2 IS-IS L2, 3 OSPFv2, 4 direct, 5 static, 6 OSPFv3, 7 BGP (egress peers)
  --   has_attributes: 1 attribute 29 came; 0 it did not come and the other columns are the last known (L-093)
  --   other: TLVs of the attribute that no column holds, as they came
  peer_id       INTEGER NOT NULL,
  nlri          BLOB NOT NULL,
  node          BLOB NOT NULL,
  protocol      INTEGER NOT NULL,
  instance      TEXT NOT NULL,         -- unsigned 64-bit number
  asn           INTEGER,
  bgp_ls_id     INTEGER,
  area          TEXT,                  -- OSPF, dotted quad
  router_id     TEXT,                  -- '0100.0000.0004', '0100.0000.0004-01', '10.0.0.1', '10.0.0.1:192.0.2.1'
  bgp_router_id TEXT,
  has_attributes INTEGER NOT NULL,
  name          TEXT,                  -- not printable bytes as \xNN
  flags         INTEGER,               -- first octet of 1024: 128 overload, 64 attached, 32 ASBR, 16 ABR, 8 R, 4 V6
  topologies    TEXT,                  -- JSON, the 16-bit words of 263: with the overload and attached bits
  isis_areas    TEXT,                  -- JSON, hex
  ipv4_router_ids TEXT,                -- JSON, 1028, ascending
  ipv6_router_ids TEXT,                -- JSON, 1029, ascending
  other         BLOB,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (nlri, peer_id)
) WITHOUT ROWID;
CREATE INDEX ls_node_sequence ON ls_node (sequence);

CREATE TABLE ls_link (                 -- a half-link: one direction
  peer_id       INTEGER NOT NULL,
  nlri          BLOB NOT NULL,
  protocol      INTEGER NOT NULL,
  instance      TEXT NOT NULL,
  local_node    BLOB NOT NULL,
  remote_node   BLOB NOT NULL,
  local_router_id  TEXT,
  remote_router_id TEXT,
  local_link_id  INTEGER,
  remote_link_id INTEGER,
  local_addresses  TEXT,               -- JSON, 259 and 261 of the descriptor, ascending
  remote_addresses TEXT,               -- JSON, 260 and 262
  topology      INTEGER NOT NULL,      -- MT-ID; 0 when absent
  has_attributes INTEGER NOT NULL,
  igp_metric    INTEGER,
  te_metric     INTEGER,
  admin_group   INTEGER,
  max_bandwidth_bps  REAL,
  max_reservable_bps REAL,
  srlgs         TEXT,                  -- JSON
  name          TEXT,
  delay_us      INTEGER,               -- 1114
  delay_anomalous INTEGER,
  delay_min_us  INTEGER,               -- 1115
  delay_max_us  INTEGER,
  delay_min_max_anomalous INTEGER,
  delay_variation_us INTEGER,          -- 1116; a 0 on the wire is NULL here (L-064)
  loss_3e8      INTEGER,               -- 1117: loss fraction = n * 3e-8
  loss_anomalous INTEGER,
  residual_bps  REAL,                  -- 1118
  available_bps REAL,                  -- 1119
  utilized_bps  REAL,                  -- 1120
  local_ipv4_router_ids  TEXT,         -- JSON, 1028, ascending
  local_ipv6_router_ids  TEXT,         -- JSON, 1029
  remote_ipv4_router_ids TEXT,         -- JSON, 1030
  remote_ipv6_router_ids TEXT,         -- JSON, 1031
  other         BLOB,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (nlri, peer_id)
) WITHOUT ROWID;
CREATE INDEX ls_link_sequence ON ls_link (sequence);

CREATE TABLE ls_prefix (
  peer_id       INTEGER NOT NULL,
  nlri          BLOB NOT NULL,
  protocol      INTEGER NOT NULL,
  instance      TEXT NOT NULL,
  node          BLOB NOT NULL,         -- the originator
  router_id     TEXT,
  prefix        TEXT NOT NULL,
  topology      INTEGER NOT NULL,
  ospf_route_type INTEGER,             -- 264
  has_attributes INTEGER NOT NULL,
  igp_flags     INTEGER,               -- first octet of 1152
  attribute_flags INTEGER,             -- first octet of 1170
  metric        INTEGER,               -- 1155; NULL with has_attributes = 1: not reachable (L-070)
  other         BLOB,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (nlri, peer_id)
) WITHOUT ROWID;
CREATE INDEX ls_prefix_sequence ON ls_prefix (sequence);

CREATE TABLE ls_opaque (
  -- NLRIs that we do not use (types 5, 6, unknown; descriptors that are incomplete): kept as they came.
  peer_id       INTEGER NOT NULL,
  nlri          BLOB NOT NULL,
  attribute     BLOB,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (nlri, peer_id)
) WITHOUT ROWID;
CREATE INDEX ls_opaque_sequence ON ls_opaque (sequence);

CREATE TABLE tombstone (
  -- What is gone. "key" is route.prefix as text, or the NLRI.
  kind          TEXT NOT NULL CHECK (kind IN ('route', 'ls_node', 'ls_link', 'ls_prefix', 'ls_opaque', 'peer')),
  peer_id       INTEGER NOT NULL,
  key           BLOB NOT NULL,
  path_id       INTEGER NOT NULL,
  sequence      INTEGER NOT NULL,
  PRIMARY KEY (kind, peer_id, key, path_id)
) WITHOUT ROWID;
CREATE INDEX tombstone_sequence ON tombstone (sequence);

CREATE TABLE meter (
  -- The collector's own figures; rewritten at most once a second, without a new sequence.
  name          TEXT NOT NULL,         -- 'bmp.messages', 'queue.depth', 'fault.ls.overrun', …
  peer          TEXT NOT NULL,         -- '' for the collector as a whole
  value         INTEGER NOT NULL,
  time_us       INTEGER NOT NULL,
  PRIMARY KEY (name, peer)
) WITHOUT ROWID;

CREATE VIEW link_by_name AS
  -- For people: half-links by name, as each peer tells them.
  SELECT p.name AS peer,
         coalesce(a.name, l.local_router_id) AS source,
         coalesce(b.name, l.remote_router_id) AS destination,
         l.igp_metric, l.delay_us, l.local_addresses, l.sequence
    FROM ls_link l
    JOIN peer p USING (peer_id)
    LEFT JOIN ls_node a ON a.node = l.local_node AND a.peer_id = l.peer_id
    LEFT JOIN ls_node b ON b.node = l.remote_node AND b.peer_id = l.peer_id;
CREATE INDEX ls_node_node ON ls_node (node);
