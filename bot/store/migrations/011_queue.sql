-- an owner's slots, as they are written: "mon tue 09:00 18:30, sat 11:00"
CREATE TABLE queues (
    owner_id INTEGER PRIMARY KEY,
    slots TEXT NOT NULL,
    timezone TEXT NOT NULL,
    paused_at TEXT  -- NULL while it goes on
) STRICT;

-- the moment of the slot that a scheduled draft holds; post_at is NULL while the queue is paused
ALTER TABLE drafts ADD COLUMN slot TEXT;
CREATE UNIQUE INDEX one_post_a_slot ON drafts (owner_id, slot) WHERE state = 'scheduled';
