// What feeds say, generation by generation: a whole import is written beside the current one, and one row makes it current.

export const FEEDS = `
create table feeds (
  name text primary key,
  -- The one that counts, and the one before: of that only names and hashes are kept, to tell what has changed.
  generation integer,
  previous integer,
  asOf text,
  importedAt text,
  checkedAt text,
  records integer not null default 0,
  skipped integer not null default 0,
  sha256 text,
  -- Which program read it: the same file is read again by another.
  format integer,
  etag text,
  lastModified text,
  errorCode text,
  errorReason text,
  errorAt text,
  check ((errorCode is null) = (errorReason is null) and (errorCode is null) = (errorAt is null)),
  check ((generation is null) = (importedAt is null))
) strict;

create table feedGenerations (
  generation integer primary key autoincrement,
  feed text not null,
  startedAt text not null,
  -- Only the hashes of its rules are left.
  emptied integer not null default 0 check (emptied in (0, 1))
) strict;

create table feedRules (
  serial integer primary key,
  generation integer not null,
  ecosystem text not null,
  package text not null,
  hash text not null,
  rules text not null
) strict;
create unique index feedRulesByPackage on feedRules (generation, ecosystem, package, hash);
create index feedRulesWithText on feedRules (generation) where rules <> '';

create table feedEcosystems (
  generation integer not null,
  ecosystem text not null,
  packages integer not null,
  primary key (generation, ecosystem)
) strict, without rowid;
create index feedEcosystemsByName on feedEcosystems (ecosystem, generation);

create table feedFacts (
  generation integer not null,
  cve text not null,
  facts text not null,
  primary key (generation, cve)
) strict, without rowid;

create table feedBulletins (
  generation integer not null,
  id text not null,
  vendor text not null,
  published text not null,
  bulletin text not null,
  primary key (generation, id)
) strict, without rowid;
create index feedBulletinsByDate on feedBulletins (generation, published);

create table feedBulletinCves (
  generation integer not null,
  cve text not null,
  id text not null,
  primary key (generation, cve, id)
) strict, without rowid;

create table feedCycles (
  generation integer not null,
  product text not null,
  cycle text not null,
  data text not null,
  primary key (generation, product, cycle)
) strict, without rowid;
`;
