-- The change of the master key: which serving processes know the new one, as each of them told the command that asked.

create table master_acks (
    node_id text primary key,
    call text not null,
    name text not null,
    is_known smallint not null
) {clustered};
