CREATE TABLE drafts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    voice TEXT NOT NULL,
    topic TEXT,
    max_chars INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'publishing', 'published', 'rejected', 'replaced')),
    created_at TEXT NOT NULL,
    channel_id INTEGER,
    message_id INTEGER UNIQUE,
    chosen INTEGER,
    attempted_at TEXT
) STRICT;
CREATE INDEX drafts_by_state ON drafts (state, created_at);
CREATE INDEX drafts_by_owner ON drafts (owner_id, created_at);

CREATE TABLE candidates (
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (draft_id, position)
) STRICT;

-- every decision with its time, also those that were taken back by a refusal of the server
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    action TEXT NOT NULL CHECK (action IN ('approve', 'reject', 'again', 'refused')),
    position INTEGER,
    decided_at TEXT NOT NULL
) STRICT;

CREATE TABLE statuses (
    draft_id INTEGER PRIMARY KEY REFERENCES drafts (id) ON DELETE CASCADE,
    status_id TEXT NOT NULL,
    url TEXT NOT NULL,
    text TEXT NOT NULL,
    posted_at TEXT NOT NULL
) STRICT;

CREATE TABLE schedules (
    owner_id INTEGER PRIMARY KEY,
    local_time TEXT NOT NULL,
    timezone TEXT NOT NULL,
    next_at TEXT NOT NULL
) STRICT;

-- one suggestion a local day, whatever the clock does
CREATE TABLE suggestions (
    owner_id INTEGER NOT NULL,
    local_date TEXT NOT NULL,
    PRIMARY KEY (owner_id, local_date)
) STRICT;
