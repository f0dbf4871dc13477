// The version of the agent, as its package says. A file of its own so that nothing else reads the package file.
import facts from './package.json' with { type: 'json' };

export const AGENT_VERSION: string = facts.version;
