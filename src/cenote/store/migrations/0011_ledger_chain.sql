-- The ledger as a chain: the number of each line and the hash over it and the one before it, both given behind the
-- commit of the erasure.  Lines come and stay as they are.  A place in the chain that is altered is found by the walk:
-- guarding it as well would cost each erasure 4 us.

alter table ledger add column number bigint;
alter table ledger add column hash {blob};
create unique index ledger_by_number on ledger (number) where number is not null;
create index ledger_open on ledger (done, digest) where done = 0 or number is null;
drop index ledger_owed;

create table ledger_gaps (
    number bigint primary key,
    vouched_number bigint not null,
    vouched_hash {blob} not null,
    present_number bigint not null,
    present_hash {blob} not null,
    noticed_ms bigint not null,
    hash {blob} not null
) {clustered};

{refusal};
create trigger ledger_keeps_its_lines before delete on ledger for each row {refuse};
create trigger ledger_keeps_its_gaps before delete on ledger_gaps for each row {refuse};
create trigger ledger_changes_no_gap before update on ledger_gaps for each row {refuse};
create trigger ledger_changes_no_line before update of digest, kind, slot, erased_ms on ledger for each row {refuse};
{refuse_emptying};
