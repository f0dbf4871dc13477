// The settings of a collector: fragments (settings.json in SELVAGE_HOME, then the environment) → one input → settings.
// Where it listens and how it is reached; every error is said at once, and only frozen settings travel.
import { isIP } from 'node:net';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { LOG_LEVELS } from '@selvage/shared/log/log.ts';
import { z } from 'zod';
import { feedSettings } from './feeds/keeping/settings.ts';

export const DEFAULT_GATEWAY_PORT = 7443;
export const DEFAULT_API_PORT = 7444;
const MAX_PORT = 65_535;
/** RFC 1123: labels of at most 63 letters, digits and hyphens; 253 characters in all. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const DIGITS_AND_DOTS = /^[\d.]+$/;
const ANY_ADDRESS = ['0.0.0.0', '::'];

/** Environment variable → the setting it overrides. */
const VARIABLES = {
  SELVAGE_LISTEN: 'listen',
  SELVAGE_NAMES: 'names',
  SELVAGE_GATEWAY_PORT: 'gatewayPort',
  SELVAGE_API_PORT: 'apiPort',
  SELVAGE_LOG_LEVEL: 'logLevel',
} as const;

const port = z.number().int().min(0).max(MAX_PORT);
const name = z.string().refine(isNameOrAddress, 'a host name or an IP address');

const inputSchema = z.strictObject({
  /** Address that both ports listen on. */
  listen: name,
  /** Names and addresses of this machine, for its certificates; hosts and admins are told the first. */
  names: z
    .array(name.refine((one) => !ANY_ADDRESS.includes(one), 'an address that others can reach, not "any address"'))
    .min(1),
  /** 0 takes a free port at each start: for tests only, enrolled hosts keep the address they were given. */
  gatewayPort: port.default(DEFAULT_GATEWAY_PORT),
  apiPort: port.default(DEFAULT_API_PORT),
  logLevel: z.enum(LOG_LEVELS).default('info'),
  /** Where data about vulnerabilities is from; see feeds/keeping/settings.ts. */
  feeds: feedSettings.optional(),
});

export type CollectorSettings = Readonly<z.infer<typeof inputSchema>>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** One violation: which file or variable, which setting, and what is wrong with it. */
interface Violation {
  readonly file: string;
  readonly path: string;
  readonly message: string;
}

/**
 * Settings from the JSON text of `file`, overridden by SELVAGE_LISTEN, SELVAGE_NAMES (separated by commas),
 * SELVAGE_GATEWAY_PORT, SELVAGE_API_PORT and SELVAGE_LOG_LEVEL. Throws SETTINGS_INVALID with every violation in
 * `details.errors`.
 */
export function decodeSettings(text: string, file: string, environment: Environment = {}): CollectorSettings {
  const fragment = fromText(text, file);
  const overrides = fromEnvironment(environment);
  const result = inputSchema.safeParse({ ...fragment, ...overrides });
  const origin = (path: string) =>
    Object.entries(VARIABLES).find(([, setting]) => setting === path && setting in overrides)?.[0] ?? file;

  if (!result.success) throw invalid(result.error.issues.flatMap((issue) => violationsOf(issue, origin)));
  const { gatewayPort, apiPort, names, ...rest } = result.data;
  if (gatewayPort === apiPort && gatewayPort !== 0) {
    throw invalid([{ file: origin('apiPort'), path: 'apiPort', message: 'not the same as gatewayPort' }]);
  }

  return Object.freeze({ ...rest, names: Object.freeze(names) as string[], gatewayPort, apiPort });
}

/** Host part of a URL: IPv6 addresses in brackets. */
export function urlHost(name: string): string {
  return name.includes(':') ? `[${name}]` : name;
}

function fromText(text: string, file: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CodedError('SETTINGS_INVALID', `${file} is not JSON`, { cause: error, details: { file } });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;

  throw invalid([{ file, path: '(top)', message: 'not an object' }]);
}

/** Text of variables as the values they stand for; what is no number stays text, so that it is refused as such. */
function fromEnvironment(environment: Environment): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([variable, setting]): [string, unknown][] => {
      const text = environment[variable];
      if (text === undefined || text === '') return [];
      if (setting === 'names') return [[setting, text.split(',').map((one) => one.trim())]];

      return [[setting, setting.endsWith('Port') && /^\d+$/.test(text) ? Number(text) : text]];
    }),
  );
}

function violationsOf(issue: z.core.$ZodIssue, origin: (path: string) => string): readonly Violation[] {
  const [setting = '(top)'] = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ file: origin(key), path: key, message: 'no such setting' }));
  }

  return [{ file: origin(setting), path: issue.path.map(String).join('.') || '(top)', message: issue.message }];
}

function invalid(errors: readonly Violation[]): CodedError {
  const lines = errors.map(({ file, path, message }) => `${file}: ${path}: ${message}`);

  return new CodedError('SETTINGS_INVALID', `the settings have ${errors.length} errors: ${lines.join('; ')}`, {
    details: { errors },
  });
}

function isNameOrAddress(value: string): boolean {
  if (isIP(value) !== 0) return true;

  // "1.2.3" or "999.1.1.1" is a mistyped address, not a name.
  return HOST_NAME.test(value) && !DIGITS_AND_DOTS.test(value);
}
