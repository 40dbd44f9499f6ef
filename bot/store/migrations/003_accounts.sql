-- servers forget applications that nobody uses, so theirs are registered anew after a while
ALTER TABLE applications ADD COLUMN registered_at TEXT NOT NULL DEFAULT '';

-- who is about to connect an account, and where: the code they bring belongs to that server
CREATE TABLE connections (
    user_id INTEGER PRIMARY KEY,
    base_url TEXT NOT NULL,
    begun_at TEXT NOT NULL
) STRICT;
