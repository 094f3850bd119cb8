-- What auditors ask of users: a hold, which keeps one from being erased until then (it lies in the row of the key, so
-- that the statement which erases meets it); and the record of what operators did, which only grows.

alter table keys add column held_until_ms bigint;
create index keys_held on keys (held_until_ms) where held_until_ms is not null;

create table audit (
    line_id text primary key,
    act text not null,
    pool_id text not null,
    digest {blob} not null,
    at_ms bigint not null,
    until_ms bigint,
    who text not null,
    reason text not null
) {clustered};
create index audit_by_time on audit (at_ms, line_id);
create index audit_of_user on audit (digest, at_ms);

create trigger audit_keeps_its_lines before delete on audit for each row {refuse};
create trigger audit_changes_no_line before update on audit for each row {refuse};

-- What a command asks of a serving process, sealed, and what came of it; kept for a moment.

create table errands (
    errand_id text primary key,
    body {blob} not null,
    answer text,
    created_ms bigint not null
) {clustered};
