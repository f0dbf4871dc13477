// Tokens for many hosts, hosts that wait to be accepted, and what the collector says of a host (owner, labels).

export const MANY_HOSTS = `
alter table hosts add column acceptedAt text;
alter table hosts add column retiredAt text;
alter table hosts add column owner text;
alter table hosts add column labels text not null default '{}';
alter table hosts add column token text;
alter table hosts add column replaces text;
update hosts set acceptedAt = enrolledAt;
create index hostsByMachine on hosts (machineId) where state = 'active';
create index pendingHosts on hosts (serial) where state = 'active' and acceptedAt is null;

alter table tokens add column uses integer not null default 1 check (uses > 0);
alter table tokens add column cidr text;
alter table tokens add column labels text not null default '{}';
alter table tokens add column mode text;
alter table tokens add column replaces integer not null default 0 check (replaces in (0, 1));

create table tokenUses (
  token text not null references tokens (id),
  key text not null,
  host text not null,
  at text not null,
  primary key (token, key)
) strict, without rowid;
insert into tokenUses (token, key, host, at)
  select id, usedByKey, usedFor, usedAt from tokens where kind = 'host' and usedAt is not null;
`;
