-- Runs with foreign keys off: dropping a table would otherwise delete what refers to it.

CREATE TABLE new_drafts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    voice TEXT NOT NULL,
    topic TEXT,
    instruction TEXT,
    max_chars INTEGER NOT NULL,
    visibility TEXT,
    language TEXT,
    content_warning TEXT,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN (
        'pending', 'scheduled', 'publishing', 'unknown', 'published', 'undone', 'rejected', 'replaced',
        'expired'
    )),
    created_at TEXT NOT NULL,
    channel_id INTEGER,
    message_id INTEGER UNIQUE,
    shown TEXT,
    account TEXT,
    chosen INTEGER,
    attempted_at TEXT,
    post_at TEXT
) STRICT;
INSERT INTO new_drafts
    (id, owner_id, voice, topic, max_chars, state, created_at, channel_id, message_id, chosen, attempted_at)
    SELECT id, owner_id, voice, topic, max_chars, state, created_at, channel_id, message_id, chosen, attempted_at
    FROM drafts;
DROP TABLE drafts;
ALTER TABLE new_drafts RENAME TO drafts;
CREATE INDEX drafts_by_state ON drafts (state, created_at);
CREATE INDEX drafts_by_owner ON drafts (owner_id, created_at);

ALTER TABLE candidates ADD COLUMN parts TEXT;  -- JSON list of a thread's statuses
ALTER TABLE candidates ADD COLUMN original TEXT;  -- what the voice wrote, once edited

CREATE TABLE new_decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    action TEXT NOT NULL CHECK (action IN (
        'approve', 'reject', 'again', 'refused', 'edit', 'later', 'take back', 'expire', 'undo',
        'ask', 'there', 'absent'  -- the outcome is unknown: the owner is asked, and answers
    )),
    position INTEGER,
    text TEXT,  -- the approved or edited text, or the instruction of an again
    decided_at TEXT NOT NULL
) STRICT;
INSERT INTO new_decisions (id, draft_id, action, position, decided_at)
    SELECT id, draft_id, action, position, decided_at FROM decisions;
DROP TABLE decisions;
ALTER TABLE new_decisions RENAME TO decisions;

CREATE TABLE new_statuses (
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    status_id TEXT NOT NULL,
    url TEXT NOT NULL,
    text TEXT NOT NULL,
    posted_at TEXT NOT NULL,
    PRIMARY KEY (draft_id, part)
) STRICT;
INSERT INTO new_statuses SELECT draft_id, 0, status_id, url, text, posted_at FROM statuses;
DROP TABLE statuses;
ALTER TABLE new_statuses RENAME TO statuses;

-- the owner's reactions that were decided on already: a sweep leaves them alone
CREATE TABLE reactions (
    draft_id INTEGER NOT NULL REFERENCES drafts (id) ON DELETE CASCADE,
    message_id INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    PRIMARY KEY (message_id, emoji)
) STRICT;

ALTER TABLE schedules ADD COLUMN days TEXT NOT NULL DEFAULT '';  -- "mon tue"; empty: every day
ALTER TABLE schedules ADD COLUMN topics TEXT NOT NULL DEFAULT '[]';  -- JSON list
ALTER TABLE schedules ADD COLUMN voice TEXT;

-- one suggestion a local day and time of day, whatever the clock does
CREATE TABLE new_suggestions (
    owner_id INTEGER NOT NULL,
    local_date TEXT NOT NULL,
    slot TEXT NOT NULL,
    PRIMARY KEY (owner_id, local_date, slot)
) STRICT;
INSERT INTO new_suggestions
    SELECT owner_id, local_date, coalesce((
        SELECT local_time FROM schedules WHERE schedules.owner_id = suggestions.owner_id
    ), '') FROM suggestions;
DROP TABLE suggestions;
ALTER TABLE new_suggestions RENAME TO suggestions;

-- what the bot remembers of a person: the language they are spoken to, the voice they use
CREATE TABLE people (
    user_id INTEGER PRIMARY KEY,
    locale TEXT NOT NULL DEFAULT 'en',
    voice TEXT,
    timezone TEXT
) STRICT;

-- whose a voice is, and whom its owner lets write with it
CREATE TABLE grants (
    voice TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'guest')),
    granted_by INTEGER NOT NULL,
    granted_at TEXT NOT NULL,
    PRIMARY KEY (voice, user_id)
) STRICT;
CREATE UNIQUE INDEX one_owner_a_voice ON grants (voice) WHERE role = 'owner';

-- tokens and secrets are encrypted
CREATE TABLE accounts (
    user_id INTEGER PRIMARY KEY,
    base_url TEXT NOT NULL,
    handle TEXT NOT NULL,
    token TEXT NOT NULL,
    connected_at TEXT NOT NULL
) STRICT;
CREATE TABLE applications (
    base_url TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL
) STRICT;

-- what the bot remembers of itself, such as the commands it last told Discord
CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
