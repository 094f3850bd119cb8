-- Access keys.  A revoked one stays, without its secrets.

create table access_keys (
    key_id text primary key,
    name text not null,
    secret {blob},
    former_secret {blob},
    former_until_ms bigint not null,
    policy text not null,
    created_ms bigint not null,
    used_ms bigint
) {clustered};
