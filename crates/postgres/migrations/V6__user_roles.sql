-- What a user may do in the console. All who were there before could do everything, and still can. A node of an
-- earlier version names no role when it adds a user: its users do everything.
ALTER TABLE account_user ADD COLUMN role text COLLATE "C" NOT NULL DEFAULT 'owner'
    CHECK (role IN ('owner', 'editor', 'viewer'));
