// The definition of the container, held against what is built: no engine runs here, so that it really builds is not shown. Every instruction
// is known, nothing goes through a shell, nobody is root, and every name in it is one that a package has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_API_PORT, DEFAULT_GATEWAY_PORT } from '@selvage/collector/settings.ts';
import { VERSION } from '@selvage/collector/version.ts';
import { describe, expect, it } from 'vitest';
import { ARCHES } from './arches.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'packaging/collector/container/Containerfile'), 'utf8');
const KNOWN = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'RUN',
  'USER',
  'VOLUME',
];

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

const instructions: readonly Instruction[] = text
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => /^([A-Z]+) (.+)$/.exec(line))
  .map((match) => ({ name: match?.[1] ?? '', rest: match?.[2] ?? '' }));
const of = (name: string) => instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
/** Arguments of the exec form. */
const listed = (rest = ''): readonly string[] => JSON.parse(rest.slice(rest.indexOf('[')));

describe('when the container is built from the tar.gz', () => {
  it('every line is an instruction that an engine knows', () => {
    expect(instructions.map(({ name }) => name).filter((name) => !KNOWN.includes(name))).toEqual([]);
    expect(instructions.length).toBeGreaterThan(10);
  });

  it('nothing goes through a shell', () => {
    for (const rest of [...of('RUN'), ...of('CMD'), ...of('ENTRYPOINT'), ...of('HEALTHCHECK')]) {
      expect(listed(rest).every((part) => typeof part === 'string')).toBe(true);
    }
    expect(of('HEALTHCHECK')[0]).toMatch(/ CMD \[/);
  });

  it('nobody is root in it, and the volume belongs to whom it runs as', () => {
    const user = of('USER').at(-1) ?? '';
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(of('COPY').some((rest) => rest.includes(`--chown=${user} `) && rest.endsWith(' /var/lib/selvage'))).toBe(
      true,
    );
    expect(listed(of('VOLUME')[0])).toEqual(['/var/lib/selvage']);
    expect(of('ENV')[0]).toContain('SELVAGE_HOME=/var/lib/selvage');
  });

  it('names what is built, in this version, and the ports it listens on', () => {
    expect([...new Set(of('ARG'))]).toEqual([expect.stringMatching(/^BASE=/), `VERSION=${VERSION}`, 'ARCH=x64']);
    expect(Object.keys(ARCHES)).toContain('x64');
    expect(of('ADD')).toEqual([`selvage-\${VERSION}-linux-\${ARCH}.tar.gz /files/`]);
    expect(of('EXPOSE')).toEqual([`${DEFAULT_GATEWAY_PORT} ${DEFAULT_API_PORT}`]);
    const programs = [...listed(of('ENTRYPOINT')[0]), ...listed(of('HEALTHCHECK')[0])];
    expect(programs).toEqual(['/opt/selvage/selvage', '/opt/selvage/bin/node', '/opt/selvage/health.mjs']);
    expect(readFileSync(join(root, 'packaging/collector/vendor/health.mjs'), 'utf8')).toContain(
      `USUAL_PORT = ${DEFAULT_API_PORT}`,
    );
    expect(readFileSync(join(root, 'packaging/collector/tar/selvage'), 'utf8')).toMatch(/^#!\/bin\/sh\n/);
  });
});
