-- Where the unsubscribe links of contacts lead that are gone. merged_into: the winner of a merge; undone_at: the position
-- of the undo that brought the loser back, 0 while the merge holds. departed.opted_out: flags that the person turned off
-- by a link after the removal, a bit each.
CREATE TABLE merged_into (
    list      bigint NOT NULL,
    loser     bigint NOT NULL,
    winner    bigint NOT NULL,
    undone_at bigint NOT NULL,
    PRIMARY KEY (list, loser)
);
CREATE INDEX merged_into_winner ON merged_into (list, winner);
ALTER TABLE departed ADD COLUMN opted_out bigint NOT NULL DEFAULT 0;
