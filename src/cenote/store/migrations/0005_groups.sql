-- Groups, who is in them (what hangs on a user, by the group's id, for a name may be given to another group),
-- and groups that are gone while their members still hold a row that names them.

create table user_groups (
    group_id text primary key,
    pool_id text not null,
    name text not null,
    description text,
    role_arn text,
    precedence bigint,
    created_ms bigint not null,
    modified_ms bigint not null,
    unique (pool_id, name)
);

create index belongings_by_group on belongings (id, sub) where kind = 'group';

create table fallen_groups (
    group_id text primary key
) {clustered};
