-- A client may have two secrets at once, so that one can be replaced without an outage.  The column that held the
-- one goes at once: no version that reads it was ever released, and left empty it would make every client public.

create table client_secrets (
    client_id text not null,
    created_ms bigint not null,
    sealed {blob} not null,
    primary key (client_id, created_ms)
) {clustered};

insert into client_secrets (client_id, created_ms, sealed)
    select client_id, created_ms, secret from clients where secret is not null;

alter table clients drop column secret;
