-- Messages that are carried: when the next attempt is due (never, for those of earlier versions), how many
-- there were, and until when the message is worth anything.

alter table outbox add column medium text;
alter table outbox add column attempts bigint not null default 0;
alter table outbox add column due_ms bigint;
alter table outbox add column expires_ms bigint;
create index outbox_due on outbox (due_ms) where due_ms is not null;
