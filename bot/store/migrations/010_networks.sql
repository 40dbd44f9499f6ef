-- one account a person and network; a Bluesky account's lasting name is its DID
CREATE TABLE new_accounts (
    user_id INTEGER NOT NULL,
    network TEXT NOT NULL CHECK (network IN ('mastodon', 'bluesky')),
    base_url TEXT NOT NULL,
    handle TEXT NOT NULL,
    did TEXT,
    token TEXT NOT NULL,
    connected_at TEXT NOT NULL,
    PRIMARY KEY (user_id, network)
) STRICT;
INSERT INTO new_accounts (user_id, network, base_url, handle, token, connected_at)
    SELECT user_id, 'mastodon', base_url, handle, token, connected_at FROM accounts;
DROP TABLE accounts;
ALTER TABLE new_accounts RENAME TO accounts;

-- where a draft is to go: 'mastodon', 'bluesky' or both; `account` holds a line for each
ALTER TABLE drafts ADD COLUMN networks TEXT NOT NULL DEFAULT 'mastodon';
-- approved for two networks, a draft goes to the first; its twin of that moment to the second
ALTER TABLE drafts ADD COLUMN twin_of INTEGER REFERENCES drafts (id) ON DELETE SET NULL;
ALTER TABLE candidates ADD COLUMN also TEXT;  -- JSON: the second network's statuses, if others
ALTER TABLE questions ADD COLUMN networks TEXT;  -- NULL: where its owner's drafts go
ALTER TABLE people ADD COLUMN networks TEXT;  -- where a person's drafts go, if they said
