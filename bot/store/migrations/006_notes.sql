-- what the owner wants said, in any rough form
ALTER TABLE drafts ADD COLUMN notes TEXT;

-- what a person is asked to tell: the request for a draft so far, until the draft is there
CREATE TABLE questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    asked_at TEXT NOT NULL,
    topic TEXT,
    notes TEXT,  -- as typed, should writing the draft fail
    instruction TEXT,
    count INTEGER NOT NULL,
    voice TEXT,
    visibility TEXT,
    language TEXT,
    content_warning TEXT
) STRICT;
CREATE INDEX questions_by_owner ON questions (owner_id, asked_at);

-- whether a draft on the topic alone comes with the question; schedules of before go on as they were
ALTER TABLE schedules ADD COLUMN drafts INTEGER NOT NULL DEFAULT 1;

-- every look for a draft's last decision, and every draft that is deleted, read the whole table
CREATE INDEX decisions_by_draft ON decisions (draft_id, decided_at);
