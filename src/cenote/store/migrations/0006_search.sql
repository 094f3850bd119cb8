-- Blind tokens of what users may be searched by; and, for lists by what is in clear, those few who are not as
-- most users are.

create table search_tokens (
    token {blob} not null,
    sub text not null,
    primary key (token, sub)
) {clustered};
create index search_tokens_of_user on search_tokens (sub);

create index users_by_status on users (pool_id, status, sub) where status <> 'CONFIRMED';
create index users_disabled on users (pool_id, sub) where enabled = 0;
