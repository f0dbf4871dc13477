// Changes of policy that wait for an admin to sign them.

export const PROPOSALS = `
create table proposals (
  number integer primary key autoincrement,
  note text not null,
  documents text not null,
  removed text not null,
  proposedBy text not null,
  proposedAt text not null,
  outcome text check (outcome in ('signed', 'declined')),
  reason text not null default '',
  closedBy text,
  closedAt text,
  check ((outcome is null) = (closedBy is null) and (outcome is null) = (closedAt is null))
) strict;
create index openProposals on proposals (number) where outcome is null;
`;
