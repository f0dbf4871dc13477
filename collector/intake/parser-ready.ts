// What the thread of ./parser.ts says once, when it has loaded its modules: no answer is like it.
export const READY = true;
