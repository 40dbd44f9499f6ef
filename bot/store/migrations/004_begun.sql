-- decisions from before they are confirmed until their outcome is told: a crash does not lose them
CREATE TABLE begun (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    custom_id TEXT NOT NULL,
    typed TEXT NOT NULL
) STRICT;
