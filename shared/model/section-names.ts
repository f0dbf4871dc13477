// The names of the sections of an inventory, by themselves: who only carries sections needs no schema of them.

const NAMES = [
  'os',
  'kernel',
  'hardware',
  'network',
  'listeners',
  'services',
  'users',
  'packages',
  'repositories',
  'updates',
  'updaters',
  'languagePackages',
  'containers',
  'reboot',
  'staleProcesses',
  'agent',
  'changes',
  'updateinfo',
] as const;
export type SectionName = (typeof NAMES)[number];
export const SECTION_NAMES: SectionName[] = [...NAMES];
