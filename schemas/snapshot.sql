-- What explains a table stands inside its statement: `.schema` shows it.

PRAGMA application_id = 0x414c5450; -- 'ALTP'
PRAGMA user_version = 1;

CREATE TABLE snapshot (
  -- A snapshot: one network map, all its cost maps, and the graph they came from. Never changed after its
  -- name exists; `current` in the same directory points at the newest.
  --
  --   sqlite3 snapshots/default/current "SELECT cost FROM cost WHERE metric='hopcount' AND source='a' AND destination='b'"
  only           INTEGER PRIMARY KEY CHECK (only = 1),
  number         INTEGER NOT NULL,   -- consecutive in this directory
  map            TEXT NOT NULL,      -- name of the network map, its ALTO resource-id
  tag            TEXT NOT NULL,      -- of the network map's vtag (M-602)
  time_us        INTEGER NOT NULL,   -- when published, microseconds since 1970, UTC
  generation     TEXT NOT NULL,      -- of the state.db it was made from
  sequence       INTEGER NOT NULL,   -- and the state sequence
  state_time_us  INTEGER NOT NULL,   -- of that sequence
  version        TEXT NOT NULL,      -- of altimeter-mapgen
  config_hash    TEXT NOT NULL,      -- SHA-256 of the configuration that counts for the map
  default_pid    TEXT NOT NULL,
  stale_objects  INTEGER NOT NULL,   -- routes and link-state objects that took part while stale
  single_candidates INTEGER NOT NULL, -- BGP prefixes with one candidate: what a reflector hides is not known (M-204)
  warnings       TEXT NOT NULL,      -- JSON: what an operator should know of this map
  timings        TEXT NOT NULL       -- JSON: {"load_us": …, "graph_us": …, …}
);

CREATE VIEW warning AS                 -- the warnings, a row each
  SELECT json_each.value AS text FROM snapshot, json_each(snapshot.warnings);

CREATE TABLE pid (
  -- pid_id is the rank of the name, ascending bytewise, from 0: row and column of every cost matrix.
  pid_id         INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  reason         TEXT NOT NULL,      -- 'class' (one attachment set), 'default', or the rule that named it
  prefixes_ipv4  INTEGER NOT NULL,
  prefixes_ipv6  INTEGER NOT NULL
);

CREATE TABLE prefix_list (
  -- The published prefixes, one JSON array a PID and family (a view below gives one row each): they are the
  -- network map's body as it is sent, and 1,700 rows are written sooner than 369,000.
  pid_id         INTEGER NOT NULL,
  family         TEXT NOT NULL CHECK (family IN ('ipv4', 'ipv6')),
  list           TEXT NOT NULL,      -- '["192.0.2.0/24","198.51.100.0/24"]', in the order of M-601
  PRIMARY KEY (pid_id, family)
) WITHOUT ROWID;

CREATE VIEW prefix AS
  SELECT json_each.value AS prefix, pid.name AS pid, prefix_list.family AS family, pid.reason AS reason
    FROM prefix_list JOIN pid USING (pid_id), json_each(prefix_list.list);

CREATE TABLE metric (
  metric_id      INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE, -- ALTO cost metric: 'hopcount', 'delay-ow', 'delay-ow:mean'
  unit           TEXT NOT NULL,        -- 'hops', 'us', …; '' for routingcost
  alias_of       INTEGER,              -- metric_id that has the costs (M-503); NULL: this one
  cost_context   TEXT,                 -- JSON as sent in meta.cost-type, or NULL (RFC 9439 section 3)
  tag            TEXT NOT NULL,        -- of the full numerical cost map (M-603)
  pairs          INTEGER NOT NULL      -- with a cost
);

CREATE TABLE cost_row (
  -- One row a metric and source: a cell of `width` characters for each pid_id, ascending, right-aligned
  -- decimal text, all blanks where the pair has no cost. The text is what ALTO sends (M-501).
  metric_id      INTEGER NOT NULL,
  source_id      INTEGER NOT NULL,
  width          INTEGER NOT NULL,
  cells          BLOB NOT NULL,
  UNIQUE (metric_id, source_id)
);

CREATE VIEW cost AS
  SELECT m.name AS metric, s.name AS source, d.name AS destination,
         CAST(substr(r.cells, 1 + r.width * d.pid_id, r.width) AS NUMERIC) AS cost
    FROM metric m
    JOIN cost_row r ON r.metric_id = coalesce(m.alias_of, m.metric_id)
    JOIN pid s ON s.pid_id = r.source_id
    JOIN pid d
   WHERE substr(r.cells, r.width * (d.pid_id + 1), 1) <> x'20'; -- its last character: the cell is not blank

CREATE TABLE router (
  -- The graph and the attachments that the costs were computed from.
  router_id      INTEGER PRIMARY KEY, -- in the order of router keys (M-107), from 0
  key            TEXT NOT NULL,       -- '10.0.0.1' or '0100.0000.0004'
  name           TEXT NOT NULL,
  overload       INTEGER NOT NULL
);

CREATE TABLE link (                   -- usable half-links; a LAN's as composites (M-116)
  link_id        INTEGER PRIMARY KEY,
  source_id      INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  protocol       INTEGER NOT NULL,
  metric         INTEGER NOT NULL,
  delay_us       INTEGER,
  addresses      TEXT,                -- JSON, local
  pseudonode     TEXT                 -- router-id of the LAN's, or NULL
);

CREATE TABLE attachment (             -- of each PID: where its traffic leaves the graph (M-303)
  pid_id         INTEGER NOT NULL,
  router_id      INTEGER NOT NULL,
  cost           INTEGER NOT NULL,
  PRIMARY KEY (pid_id, router_id)
) WITHOUT ROWID;

CREATE TABLE session (                -- what the feeds looked like
  peer           TEXT NOT NULL,
  family         TEXT NOT NULL,
  state          TEXT NOT NULL,
  stale          INTEGER NOT NULL,
  end_of_rib     TEXT NOT NULL,
  PRIMARY KEY (peer, family)
) WITHOUT ROWID;
