-- Blind marks of what users may be searched by, each with a digest of its user's sub behind it, so that it is one
-- user's own; and, for lists by what is in clear, those few who are not as most users are.

create table search_marks (
    mark {blob} not null primary key,
    sub text not null
) {clustered};
create index search_marks_of_user on search_marks (sub);

create index users_by_status on users (pool_id, status, sub) where status <> 'CONFIRMED';
create index users_disabled on users (pool_id, sub) where enabled = 0;
