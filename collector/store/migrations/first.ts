// The first tables. Released: never edited, a change is a new migration.

export const FIRST = `
create table migrations (
  version integer primary key,
  name text not null,
  appliedAt text not null
) strict;

create table hosts (
  serial integer primary key,
  id text not null unique,
  name text not null,
  state text not null check (state in ('active', 'revoked')),
  mode text not null,
  machineId text not null,
  enrolledAt text not null,
  revokedAt text,
  certificate text not null,
  certificateExpires text not null,
  runnerKey text not null,
  agentVersion text,
  lastSeen text,
  check ((state = 'revoked') = (revokedAt is not null))
) strict;
create unique index oneActiveHostPerName on hosts (name) where state = 'active';
create index hostsByName on hosts (name);

create table tokens (
  serial integer primary key,
  id text not null unique,
  kind text not null check (kind in ('host', 'admin')),
  secretHash text not null,
  boundTo text,
  createdBy text not null,
  createdAt text not null,
  expiresAt text not null,
  revokedAt text,
  usedAt text,
  usedByKey text,
  usedFor text,
  check ((usedAt is null) = (usedByKey is null) and (usedAt is null) = (usedFor is null))
) strict;

create table admins (
  serial integer primary key,
  name text not null,
  role text not null check (role in ('admin', 'reader')),
  state text not null check (state in ('active', 'revoked')),
  certificate text not null unique,
  certificateExpires text not null,
  keyId text,
  addedAt text not null,
  revokedAt text,
  check ((state = 'revoked') = (revokedAt is not null))
) strict;
create unique index oneActiveAdminPerName on admins (name) where state = 'active';

create table streams (
  host text not null references hosts (id),
  stream text not null,
  sequence integer not null check (sequence > 0),
  primary key (host, stream)
) strict, without rowid;

create table sections (
  host text not null references hosts (id),
  name text not null,
  sha256 text not null,
  zstdJson blob not null,
  primary key (host, name, sha256)
) strict;

create table reports (
  host text primary key references hosts (id),
  takenAt text not null
) strict;

create table reportSections (
  host text not null references reports (host),
  name text not null,
  sha256 text,
  problemCode text,
  problemReason text,
  primary key (host, name),
  foreign key (host, name, sha256) references sections (host, name, sha256),
  check ((problemCode is null) = (problemReason is null) and (problemCode is null) <> (sha256 is null))
) strict, without rowid;
create index reportSectionsByName on reportSections (name, host);

create table results (
  serial integer primary key,
  host text not null references hosts (id),
  number integer not null,
  payloadSha256 text not null,
  receivedAt text not null,
  approval text not null,
  result text not null,
  payload blob not null,
  signature blob not null,
  unique (host, number, payloadSha256)
) strict;
create index resultsByApproval on results (approval);

create table policyFiles (
  serial integer primary key,
  name text not null,
  sha256 text not null,
  content blob not null,
  unique (name, sha256)
) strict;

create table audit (
  sequence integer primary key,
  at text not null,
  actor text not null,
  action text not null,
  subject text not null,
  details text not null,
  previous text not null,
  hash text not null
) strict;
create trigger auditIsNeverChanged before update on audit
  begin select raise(abort, 'the audit ledger is append-only'); end;
create trigger auditIsNeverShortened before delete on audit
  begin select raise(abort, 'the audit ledger is append-only'); end;
create trigger auditGrowsAtItsEnd before insert on audit
  when new.sequence is not coalesce((select max(sequence) from audit), 0) + 1
    or new.previous is not coalesce((select hash from audit order by sequence desc limit 1), printf('%064d', 0))
  begin select raise(abort, 'the audit ledger grows at its end only'); end;
`;
