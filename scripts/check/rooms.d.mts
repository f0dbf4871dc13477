// Types of the dependency rule's data, which stays plain JavaScript because dependency-cruiser's configuration reads it.
export const PURE: readonly string[];
export const PURE_PACKAGES: readonly string[];
export const DOORS: Readonly<Record<string, readonly string[]>>;
export const ADAPTERS: Readonly<Record<string, readonly string[]>>;
