-- What sign-in notes of a user, or of a name that nobody bears (then it ends by itself): clear and unversioned.

create table activity (
    sub text primary key,
    failures bigint not null,
    failed_ms bigint not null,
    locked_until_ms bigint not null,
    expires_ms bigint
) {clustered};
create index activity_by_end on activity (expires_ms) where expires_ms is not null;

-- What is past its time is found without looking at what is not.
create index belongings_by_end on belongings (expires_ms) where expires_ms is not null;
