-- why its owner rejected a draft, if they said so
ALTER TABLE drafts ADD COLUMN reason TEXT
    CHECK (reason IN ('untrue', 'unlike', 'dull', 'untimely'));
