-- What a user may do in the console. All who were there before could do everything, and still can.
ALTER TABLE user ADD COLUMN role TEXT NOT NULL DEFAULT 'owner' CHECK (role IN ('owner', 'editor', 'viewer'));
