-- The record tells what operators did to access keys, too: of which key, and the policy that it has from then on.

alter table audit add column key_id text;
alter table audit add column policy text;
