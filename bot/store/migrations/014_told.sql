-- the state that a draft's message shows; another than the draft's: a crash came between
ALTER TABLE drafts ADD COLUMN told TEXT;
UPDATE drafts SET told = state;
