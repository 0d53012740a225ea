-- What is done about flags that were set to false: 0 they may be set to true, 1 they stay false. Of a list, null leaves
-- it to the account.
ALTER TABLE account ADD COLUMN opt_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE list ADD COLUMN opt_out INTEGER;
