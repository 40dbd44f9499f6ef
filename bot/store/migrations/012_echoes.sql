-- what came of a post, one and seven days after it: the counts of its server, of a thread's first part
CREATE TABLE echoes (
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    days INTEGER NOT NULL CHECK (days IN (1, 7)),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'read', 'gone')),  -- gone: deleted there
    boosts INTEGER,  -- NULL: the server gives no number
    favourites INTEGER,
    replies INTEGER,
    tries INTEGER NOT NULL,
    asked_at TEXT NOT NULL,  -- the last time
    again_at TEXT,  -- when one that waits is asked again; NULL: given up
    PRIMARY KEY (draft_id, days)
) STRICT;
CREATE INDEX statuses_by_time ON statuses (posted_at);
