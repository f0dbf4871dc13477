// Values of options as commands need them; a wrong one is wrong use, said before anything is done.

import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { scan } from '@selvage/shared/select/scan.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { adminName, hostName } from '../api/contract.ts';

const MAX_PORT = 65_535;

export function portOption(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > MAX_PORT) throw new InvalidArgumentError('A port is 0 to 65535.');

  return port;
}

export function nameOption(value: string): string {
  const name = adminName.safeParse(value);
  if (!name.success) throw new InvalidArgumentError('An admin name has lower-case letters, digits and . _ - only.');

  return name.data;
}

export function hostOption(value: string): string {
  const name = hostName.safeParse(value);
  if (!name.success) throw new InvalidArgumentError('A host name has letters, digits and . _ - only.');

  return name.data;
}

/** The text itself, once it is known to be a duration: the collector decodes it again. */
export function durationOption(value: string): string {
  try {
    parseDuration(value);
  } catch (cause) {
    throw new InvalidArgumentError(`${asCoded(cause).message}.`);
  }

  return value;
}

/** What every command takes that lists things. */
export interface ListOptions {
  readonly select?: string;
  readonly json?: boolean;
}

/** `--select` of every command that lists or reads several things. The collector knows the words and reads the text. */
export function selectOption(command: Command, example = 'tier=web and os=debian-12 and seen>3d'): Command {
  return command.option('--select <text>', `only those: '${example}'; see: help select`, selectText);
}

/** What is no text at all, or too long for a request, is refused here: SELECT_INVALID. */
function selectText(value: string): string {
  scan(value);

  return value;
}

/** A path with its query; what is undefined is left out. */
export function pathWith(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));

  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
