-- when a person is next told what came of their posts; NULL: not by itself
ALTER TABLE people ADD COLUMN results_at TEXT;
