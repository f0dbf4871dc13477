// Changes of policy that several admins sign: who has signed them so far and who may, and apart from it the files as they are signed.

export const SIGNATURES = `
alter table proposals add column signing text;
alter table proposals add column files text;
`;
