-- What explains a table stands inside its statement: `.schema` shows it.

PRAGMA application_id = 0x414c5455; -- 'ALTU'
PRAGMA user_version = 1;

CREATE TABLE status (
  -- status.db: how the map beside it stands. Written anew under a temporary name and renamed, at least every
  -- 10 s while altimeter-mapgen lives. "How old is the map" means confirmed_us: a quiet network is not a
  -- stale one.
  only           INTEGER PRIMARY KEY CHECK (only = 1),
  map            TEXT NOT NULL,
  written_us     INTEGER NOT NULL,    -- when this file was written, UTC
  version        TEXT NOT NULL,
  pid            INTEGER NOT NULL,    -- process id of altimeter-mapgen
  phase          TEXT NOT NULL CHECK (phase IN ('waiting', 'running', 'failing')),
  message        TEXT NOT NULL,       -- what it waits for, or what fails; '' when all is well
  snapshot       TEXT,                -- file name of the current snapshot; NULL: none yet
  number         INTEGER,             -- its number
  tag            TEXT,
  sequence       INTEGER,             -- the map is confirmed up to this state sequence …
  confirmed_us   INTEGER,             -- … and its time
  held_sequence  INTEGER,             -- a newer map that a guard rail holds back; NULL: none
  held_rail      TEXT,
  held_by        TEXT                 -- by how much: '61 % of prefixes; 80 % expected'
);

CREATE TABLE feed (
  peer           TEXT NOT NULL,
  family         TEXT NOT NULL,
  state          TEXT NOT NULL,       -- 'never', 'up', 'down'
  since_us       INTEGER NOT NULL,
  stale          INTEGER NOT NULL,
  stale_since_us INTEGER,
  end_of_rib     TEXT NOT NULL,       -- 'no', 'received', 'assumed'
  last_error     TEXT,
  PRIMARY KEY (peer, family)
) WITHOUT ROWID;
