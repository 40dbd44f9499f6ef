-- a text on its way: when it was sent, how often, and what stood on the account before
ALTER TABLE drafts ADD COLUMN sent_at TEXT;
ALTER TABLE drafts ADD COLUMN sends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE drafts ADD COLUMN before TEXT;  -- JSON: the newest statuses' ids, and the count of all
UPDATE drafts SET sent_at = attempted_at, sends = 1 WHERE state IN ('publishing', 'unknown');

-- a decision is carried out as it was given: at its time, for the account of then
ALTER TABLE begun ADD COLUMN decided_at TEXT;
ALTER TABLE begun ADD COLUMN account TEXT;
