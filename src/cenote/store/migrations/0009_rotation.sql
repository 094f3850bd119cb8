-- Refresh tokens that rotate.  A session's `count` is the generation of the one refresh token that is good (0: the
-- first); here is which generation that one replaced, and until when it may be presented once more.

alter table belongings add column retired bigint;
alter table belongings add column retry_until_ms bigint;
