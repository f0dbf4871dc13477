// Changes of packages on hosts: what their logs tell, what signed results say, what only a difference of inventories shows.

export const HISTORY = `
create table hostChanges (
  host text not null references hosts (id),
  id text not null,
  source text not null,
  at integer not null,
  endedAt integer,
  since integer,
  certain integer not null check (certain in (0, 1)),
  actor text,
  command text,
  run text,
  problem text,
  size integer not null,
  changes text not null,
  toldAt integer not null,
  verdict text not null,
  primary key (host, id)
) strict, without rowid;
create index changedOutside on hostChanges (toldAt) where verdict = 'outside';
create index openRuns on hostChanges (toldAt) where verdict = 'open';

create table hostHistory (
  host text primary key references hosts (id),
  told text,
  packages text,
  packagesAt integer,
  result integer not null default 0,
  complete integer not null default 1 check (complete in (0, 1)),
  problems text not null default '[]',
  cutAt integer,
  lastOutside integer,
  ledgerDay integer not null default 0,
  ledgerEntries integer not null default 0,
  unentered integer not null default 0
) strict, without rowid;
create index auditBySubject on audit (subject);
`;
