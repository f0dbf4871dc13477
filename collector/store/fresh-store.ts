// The old place of ./testing/fresh-store.ts, for the tests that still name it here. Nothing else may use it.
export { freshStores } from './testing/fresh-store.ts';
