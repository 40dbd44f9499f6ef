-- which draft was asked for in the place of which: what was not wanted, and what was wanted instead
ALTER TABLE drafts ADD COLUMN replaces INTEGER REFERENCES drafts (id) ON DELETE SET NULL;

-- blind tests: somebody sees a real post and a drafted one, and says which is real
CREATE TABLE trials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    voice TEXT NOT NULL,
    trained_at TEXT NOT NULL,  -- which training of the voice drafted
    post TEXT NOT NULL,  -- stands for the real post's text, which is not stored
    real_position INTEGER NOT NULL CHECK (real_position IN (1, 2)),
    shown_at TEXT NOT NULL,
    guess INTEGER CHECK (guess IN (0, 1, 2)),  -- 0: cannot tell
    guessed_at TEXT
) STRICT;
CREATE INDEX trials_by_voice ON trials (voice, trained_at);
