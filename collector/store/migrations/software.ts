// Distinct software, what is open against it, and which machine has which: findings are joined from these, and never kept.

export const SOFTWARE = `
create table software (
  id integer primary key autoincrement,
  -- JSON of everything that decides which advisories apply; the same text for the same software.
  key text not null unique
) strict;

-- The same software with the binary packages of it that a machine has.
create table softwareVariants (
  id integer primary key autoincrement,
  software integer not null,
  binaries text not null,
  unique (software, binaries)
) strict;

create table softwareMatches (
  software integer primary key,
  matchedAt text not null,
  matches text not null
) strict;

-- CVE -> since when it is known here that it concerns the package: stays when versions go.
create table packageSince (
  ecosystem text not null,
  package text not null,
  since text not null,
  primary key (ecosystem, package)
) strict, without rowid;

-- One row per machine: what it has and had (packed), and what else of it findings need.
create table machineSoftware (
  machine text primary key,
  basis text not null,
  list blob not null,
  facts text not null
) strict;

-- Up to which generation of each feed all software was matched: what a killed collector left is found by it.
create table matchedFeeds (
  feed text primary key,
  generation integer not null
) strict;
`;
