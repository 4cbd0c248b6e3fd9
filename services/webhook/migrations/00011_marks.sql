-- +goose Up

-- Whom an event is about, as numbers that tell no address (erasure.Marks): what a person is found by. Events from before
-- have none and are searched as they always were; they go with the events' age.
ALTER TABLE event ADD COLUMN marks bigint[];
CREATE INDEX event_marks ON event USING gin (marks);
CREATE INDEX event_unmarked ON event (id) WHERE marks IS NULL;
