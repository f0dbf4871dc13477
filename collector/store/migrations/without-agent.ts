// Machines without an agent (known from a file that somebody carried here), and the lists of machines that ought to exist.

export const WITHOUT_AGENT = `
create table imports (
  serial integer primary key,
  id text not null unique,
  name text not null,
  state text not null check (state in ('current', 'replaced', 'superseded', 'retired')),
  asOf text not null,
  asOfFrom text not null check (asOfFrom in ('machine', 'file', 'import')),
  clock text not null,
  importedAt text not null,
  importedBy text not null,
  sha256 text not null,
  bytes integer not null,
  hostname text not null,
  machineId text,
  owner text,
  labels text not null default '{}',
  facts text not null,
  endedAt text,
  endedBy text,
  check ((state = 'current') = (endedAt is null) and (state = 'current') = (endedBy is null))
) strict;
create unique index oneCurrentImportPerName on imports (name) where state = 'current';
create index importsByName on imports (name);

create table importSections (
  import text not null references imports (id),
  name text not null,
  sha256 text,
  zstdJson blob,
  problemCode text,
  problemReason text,
  primary key (import, name),
  check ((problemCode is null) = (problemReason is null) and (problemCode is null) <> (sha256 is null)),
  check ((sha256 is null) = (zstdJson is null))
) strict;

-- A machine that gets an agent is no longer known from a file: in the same transaction, whatever way it came by.
create trigger importEndsWithAgent after insert on hosts
  when new.state = 'active' and new.acceptedAt is not null
  begin
    update imports set state = 'superseded', endedAt = new.acceptedAt, endedBy = 'host:' || new.id
      where name = new.name and state = 'current';
  end;
create trigger importEndsWithAcceptance after update of acceptedAt on hosts
  when new.state = 'active' and new.acceptedAt is not null and old.acceptedAt is null
  begin
    update imports set state = 'superseded', endedAt = new.acceptedAt, endedBy = 'host:' || new.id
      where name = new.name and state = 'current';
  end;

create table assetLists (
  source text primary key,
  format text not null,
  file text not null,
  fileDate text,
  sha256 text not null,
  importedAt text not null,
  importedBy text not null,
  entries integer not null,
  skipped integer not null
) strict;

create table assets (
  source text not null references assetLists (source),
  position integer not null,
  asset text not null,
  primary key (source, position)
) strict;
`;
