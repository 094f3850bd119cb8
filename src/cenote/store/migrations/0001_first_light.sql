-- The first schema.  {blob}, {clustered} and the like are spelled per engine by the migrator.

create table meta (
    name text primary key,
    value {blob} not null
);

create table pools (
    pool_id text primary key,
    name text not null,
    version bigint not null,
    slot bigint not null unique,
    wrapped {blob} not null,
    secrets {blob} not null,
    document {blob} not null,
    created_ms bigint not null,
    modified_ms bigint not null
);

create table clients (
    client_id text primary key,
    pool_id text not null,
    name text not null,
    version bigint not null,
    secret {blob},
    document {blob} not null,
    created_ms bigint not null,
    modified_ms bigint not null
);
create index clients_of_pool on clients (pool_id, client_id);

create table verification_keys (
    kid text primary key,
    pool_id text not null,
    use text not null,
    public {blob} not null,
    expires_ms bigint
);
create index verification_keys_of_pool on verification_keys (pool_id);

create table users (
    sub text primary key,
    pool_id text not null,
    status text not null,
    enabled smallint not null,
    version bigint not null,
    profile {blob} not null,
    created_ms bigint not null,
    modified_ms bigint not null
);
create index users_of_pool on users (pool_id, sub);

create table keys (
    sub text primary key,
    slot bigint not null unique,
    wrapped {blob} not null
) {clustered};

create table names (
    pool_id text not null,
    name {blob} not null,
    sub text not null,
    primary key (pool_id, name)
) {clustered};
create index names_of_user on names (sub);

create table belongings (
    sub text not null,
    kind text not null,
    id text not null,
    tag text,
    count bigint not null default 0,
    created_ms bigint not null,
    expires_ms bigint,
    body {blob},
    primary key (sub, kind, id)
) {clustered};

create table outbox (
    id text primary key,
    sub text not null,
    pool_id text not null,
    created_ms bigint not null,
    body {blob} not null
) {clustered};
create index outbox_of_user on outbox (sub);
create index outbox_by_time on outbox (created_ms);

create table ledger (
    digest {blob} not null primary key,
    kind text not null,
    slot bigint not null,
    erased_ms bigint not null,
    done smallint not null
) {clustered};
create index ledger_owed on ledger (done) where done = 0;

create table fallen_pools (
    pool_id text primary key,
    fallen_ms bigint not null
) {clustered};
