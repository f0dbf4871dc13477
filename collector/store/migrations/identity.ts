// What an identity needs over the years: the next certificate, quarantine, readmission. Released: never edited.

export const IDENTITY = `
alter table hosts add column key text;
alter table hosts add column authority text;
alter table hosts add column nextCertificate text;
alter table hosts add column nextExpires text;
alter table hosts add column nextKey text;
alter table hosts add column nextAuthority text;
alter table hosts add column nextPem text;
alter table hosts add column authorities text not null default '[]';
alter table hosts add column quarantine text;
alter table hosts add column readmit text;
alter table hosts add column settledAt text;
alter table hosts add column knock text;
alter table hosts add column lastAddress text;
alter table hosts add column clockSkewMs integer;
create index hostsByKey on hosts (key);
create index hostsByNextKey on hosts (nextKey);

alter table admins add column nextCertificate text;
alter table admins add column nextExpires text;
create unique index adminsByNextCertificate on admins (nextCertificate);
`;
