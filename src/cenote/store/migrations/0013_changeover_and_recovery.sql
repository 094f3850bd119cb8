-- The change of the master key: which serving processes know the new one, as each of them told the command that asked.

create table master_acks (
    node_id text primary key,
    call text not null,
    name text not null,
    is_known smallint not null
) {clustered};

-- Users whom an administrator deleted in a pool that keeps them for some days: out of sight, their names free, their
-- key kept.  Their rows are where no other statement looks.

alter table pools add column recovery_days bigint not null default 0;
alter table keys add column recoverable_until_ms bigint;
create index keys_recoverable on keys (recoverable_until_ms) where recoverable_until_ms is not null;

create table recoverable_users (
    sub text primary key,
    pool_id text not null,
    status text not null,
    enabled smallint not null,
    version bigint not null,
    profile {blob} not null,
    created_ms bigint not null,
    modified_ms bigint not null,
    deleted_ms bigint not null,
    names {blob} not null
);
create index recoverable_users_of_pool on recoverable_users (pool_id, sub);
