-- What operators order beside running servers: rules about addresses, and pools that are only read.  The row
-- `orders` of `meta` changes with each of them, so that a server need read no more than that.

create table rules (
    rule_id text primary key,
    kind text not null,
    pool_id text,
    operation text,
    network text,
    requests bigint not null,
    window_s bigint not null,
    created_ms bigint not null
) {clustered};

create table read_only_pools (
    pool_id text primary key,
    since_ms bigint not null
) {clustered};
