DROP TABLE live_changes;
