-- The language of a user's pages, as a BCP 47 tag; null leaves it to the browser.
ALTER TABLE account_user ADD COLUMN language TEXT;
