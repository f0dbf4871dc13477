// What others say about findings: VEX documents that admins import, and reports of other scanners that were compared.

export const VEX = `
create table vexDocuments (
  serial integer primary key,
  id text not null unique,
  format text not null check (format in ('openvex', 'csaf')),
  document text not null,
  version text,
  author text not null,
  at text not null,
  file text not null,
  sha256 text not null,
  importedAt text not null,
  importedBy text not null,
  statements integer not null
) strict;

create table vexStatements (
  document text not null references vexDocuments (id),
  position integer not null,
  statement text not null,
  primary key (document, position)
) strict;

create table scannerReports (
  machine text not null,
  scanner text not null,
  scannedAt text,
  file text not null,
  sha256 text not null,
  comparedAt text not null,
  comparedBy text not null,
  rows text not null,
  primary key (machine, scanner)
) strict;
`;
