// What each agent said it can read of signed documents; null until it has said so.

export const UNDERSTANDING = `
alter table hosts add column understands text;
`;
