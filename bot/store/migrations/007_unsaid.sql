-- what could not be told to a person: it waits for their next command
CREATE TABLE unsaid (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;
CREATE INDEX unsaid_by_user ON unsaid (user_id);
