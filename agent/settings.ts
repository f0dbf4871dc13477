// The host's own settings: JSON fragments → merged inputs → frozen settings. What a host may be used for (mode, labels)
// is decided here and nowhere else; nothing that comes from a collector widens it.
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readOwned } from '@selvage/shared/files/durable.ts';
import { MODES, type Mode } from '@selvage/shared/model/ids.ts';
import { LABEL_NAME, LABEL_NAME_RULE, type Labels } from '@selvage/shared/model/labels.ts';
import { parseProxy } from '@selvage/shared/net/proxy.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import * as z from 'zod';

/** 256 KiB; a settings file has some dozen lines. */
const MAX_SETTINGS_BYTES = 256 * 1024;
const DEFAULT_BYTE_BUDGET = 200_000_000;

const absolutePath = z.string().max(1024).refine(isAbsolute, 'an absolute path');
const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });

    return z.NEVER;
  }
});
const positive = duration.refine((ms) => ms > 0, 'longer than zero');
const proxy = z
  .string()
  .max(2048)
  .superRefine((text, context) => {
    try {
      if (text !== 'none') parseProxy(text, 'it');
    } catch (error) {
      // It says what is wrong and not what stands there: there may be a password in it.
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });
const zone = z.string().refine(isZone, 'an IANA time zone, such as Europe/Vienna');

const labelsSchema = z
  .record(z.string().regex(LABEL_NAME, LABEL_NAME_RULE), z.union([z.string(), z.array(z.string())]))
  .transform((labels) =>
    Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]),
    ),
  );

const inputs = z.strictObject({
  mode: z.enum(MODES).default('observe'),
  /** Labels that policies may select by; the collector's own labels never may. */
  labels: labelsSchema.prefault({}),
  stateDir: absolutePath.default('/var/lib/selvage-agent'),
  /** Folder of the runner, which only root may write on a real host. */
  runnerDir: absolutePath.optional(),
  /** Root whose packages are managed. Other than `/` is a sandbox: all package work then happens inside it. */
  root: absolutePath.default('/'),
  collector: z.url({ protocol: /^wss$/ }).optional(),
  /** `http://[user:password@]host:port`, or `none` whatever the environment says. */
  proxy: proxy.optional(),
  zone: zone.optional(),
  /** User that observes and fetches when the agent was started as root. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/)
    .default('nobody'),
  lists: z
    .strictObject({
      /** Lists older than this are not believed. */
      maxAge: positive.default(parseDuration('24h')),
      refreshEvery: positive.default(parseDuration('6h')),
      /** Share of an interval by which it is lengthened at random. */
      jitter: z.number().min(0).max(1).default(0.2),
      byteBudget: z.number().int().positive().default(DEFAULT_BYTE_BUDGET),
    })
    .prefault({}),
  inventoryEvery: positive.default(parseDuration('1h')),
});

export interface Settings {
  readonly mode: Mode;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly stateDir: string;
  readonly runnerDir: string;
  readonly root: string;
  readonly collector: string | null;
  /** Proxy towards the collector, `none`, or null: as the environment says. May hold a password: see shownSettings. */
  readonly proxy: string | null;
  /** IANA zone of the host; windows with `timezone: host` are read in it. */
  readonly zone: string;
  readonly user: string;
  /** Durations in milliseconds. */
  readonly lists: {
    readonly maxAge: number;
    readonly refreshEvery: number;
    readonly jitter: number;
    readonly byteBudget: number;
  };
  readonly inventoryEvery: number;
}

/**
 * Reads `paths` in order; a folder stands for its `*.json` by name. Later fragments win, property by property.
 * A missing path is an empty fragment. Throws SETTINGS_INVALID naming every wrong path in every file, and FILE_UNSAFE when
 * somebody else could have written one: as root it must be root's.
 */
export async function loadSettings(
  paths: readonly string[],
  defaults: { readonly zone: string } = { zone: Temporal.Now.timeZoneId() },
): Promise<Settings> {
  const fragments = await readFragments(paths);
  const merged = fragments.map(({ content }) => content).reduce(merge, {});

  return toSettings(
    merged,
    fragments.map(({ file }) => file),
    defaults,
  );
}

/** Every fragment as it lies there, in the order in which they count; one that is missing is empty. */
export async function readFragments(
  paths: readonly string[],
): Promise<readonly { readonly file: string; readonly content: object }[]> {
  const files = (await Promise.all(paths.map(expand))).flat();

  return Promise.all(files.map(async (file) => ({ file, content: await readFragment(file) })));
}

/** The labels of a fragment, null for what are none. */
export function toLabels(value: unknown): Labels | null {
  return labelsSchema.safeParse(value).data ?? null;
}

function toSettings(merged: object, files: readonly string[], defaults: { readonly zone: string }): Settings {
  const decoded = inputs.safeParse(merged);
  if (!decoded.success) {
    const paths = decoded.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
    throw new CodedError('SETTINGS_INVALID', `settings are wrong (${files.join(', ')}): ${paths.join('; ')}`, {
      details: { files, paths },
    });
  }

  const { collector, runnerDir, proxy: way, zone: own, ...rest } = decoded.data;

  return deepFreeze({
    ...rest,
    runnerDir: runnerDir ?? join(rest.stateDir, 'runner'),
    collector: collector ?? null,
    proxy: way ?? null,
    zone: own ?? defaults.zone,
  });
}

/** The settings as they may be shown: without the password of a proxy. */
export function shownSettings(settings: Settings): Settings {
  const { proxy: way } = settings;

  return way === null || way === 'none' ? settings : { ...settings, proxy: parseProxy(way, 'proxy').toJSON() };
}

async function expand(path: string): Promise<readonly string[]> {
  try {
    const names = await readdir(path);

    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR')) return [path];
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readFragment(path: string): Promise<object> {
  const bytes = await readOwned(path, MAX_SETTINGS_BYTES);
  if (bytes === null) return {};

  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new CodedError('SETTINGS_INVALID', `${path} is not JSON`, { cause: error, details: { file: path } });
  }
  if (!isObject(value)) throw new CodedError('SETTINGS_INVALID', `${path} is not a JSON object`);

  return value;
}

/** Objects are merged by property, everything else is replaced; `labels` is one value: fragments do not add to it. */
function merge(under: object, over: object): object {
  const merged: Record<string, unknown> = { ...under };

  for (const [name, value] of Object.entries(over)) {
    const old = merged[name];
    merged[name] = name !== 'labels' && isObject(old) && isObject(value) ? merge(old, value) : value;
  }

  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);

    return true;
  } catch {
    // RangeError is how Temporal says that there is no such zone.
    return false;
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) deepFreeze(item);

  return Object.freeze(value);
}
