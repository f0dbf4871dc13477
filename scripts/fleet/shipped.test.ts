// The Ansible role and the cloud-init snippet that are shipped: run as they are, against a real collector, with the real agent;
// and held against the options that the agent has.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCollector, type RealCollector, type TokenDocument } from '../e2e/testing/collector.ts';
import { documentOf } from '../lab/commands.ts';

const PACKAGING = join(import.meta.dirname, '../../packaging');
const ENTRY = join(import.meta.dirname, '../../agent/bin/selvage-agent.mjs');
const TASKS = join(PACKAGING, 'ansible/roles/selvage_agent/tasks/main.yml');
const USER_DATA = join(PACKAGING, 'cloud-init/user-data.yaml');
/** Lines of the tasks that are no comment: a role that is read before it is run. */
const MAX_LINES = 34;
/** Milliseconds of a test that runs Ansible, on a machine that does much else. */
const PLAY_MS = 600_000;
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** As Python reads YAML 1.1, which is what both programs do. */
function yaml(text: string): unknown {
  const program = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.read()), sys.stdout)';

  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { input: text, encoding: 'utf8' }));
}

function optionsOf(command: string): readonly string[] {
  const help = execFileSync(process.execPath, [ENTRY, command, '--help'], { encoding: 'utf8' });

  return [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
}

/** What the agent is told to do in command lines, and with which options. */
function commandsIn(lines: readonly string[]) {
  return lines.map((line) => ({
    command: /^(?:\{\{.*?\}\}|\S+) (\S+)/.exec(line)?.[1] ?? '',
    options: line.match(/--[a-z-]+/g) ?? [],
  }));
}

/** An agent whose state lies in a folder of its own, and that notes what it is called with. */
function agentIn(folder: string, name: string) {
  const program = join(folder, 'bin/selvage-agent');
  const settings = join(folder, 'etc/settings.json');
  mkdirSync(dirname(program), { recursive: true });
  mkdirSync(join(folder, 'etc/settings.d'), { recursive: true });
  writeFileSync(
    join(folder, 'etc/settings.d/00-place.json'),
    JSON.stringify({ stateDir: join(folder, 'state'), runnerDir: join(folder, 'runner') }),
  );
  const more = process.getuid?.() === 0 ? '--same-user' : '';
  writeFileSync(
    program,
    `#!/bin/sh
echo "$*" >>${folder}/arguments
for each do shift; [ "$each" = --now ] || set -- "$@" "$each"; done
[ "$1" != enroll ] || set -- "$@" --name ${name} ${more}
exec ${process.execPath} ${ENTRY} --settings ${settings} "$@"
`,
  );
  chmodSync(program, 0o755);

  return { program, settings, called: () => readFileSync(join(folder, 'arguments'), 'utf8') };
}

let collector: RealCollector;
let token: TokenDocument;

async function hosts() {
  const { hosts } = documentOf<{ hosts: { name: string; state: string; mode: string }[] }>(
    await collector.selvage(['host', 'list', '--json']),
  );

  return hosts;
}

needs(['ansible'], 'what is shipped for many machines', () => {
  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    token = documentOf<TokenDocument>(await collector.selvage(['token', 'create', '--uses', '2', '--json']));
  });

  describe('when the role is read', () => {
    const tasks = () => yaml(readFileSync(TASKS, 'utf8')) as Record<string, unknown>[];

    it('it is short, and calls the agent with options that it has', () => {
      const lists = tasks()
        .map((task) => task['ansible.builtin.command'] as string | { cmd: string } | undefined)
        .flatMap((command) => (command ? [typeof command === 'string' ? command : command.cmd] : []));

      expect(commandsIn(lists).map(({ command }) => command)).toEqual(['preflight', 'enroll']);
      for (const { command, options } of commandsIn(lists))
        expect(optionsOf(command)).toEqual(expect.arrayContaining(options));
      const lines = readFileSync(TASKS, 'utf8').split('\n');
      expect(lines.filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThanOrEqual(MAX_LINES);
    });

    it('the token is in one task, which logs nothing and gives it on standard input', () => {
      const secret = tasks().filter((task) => JSON.stringify(task).includes('selvage_agent_token'));

      expect(secret).toHaveLength(1);
      const [{ no_log: unlogged, 'ansible.builtin.command': command } = {}] = secret;
      expect({ unlogged, command }).toMatchObject({ unlogged: true, command: { stdin: '{{ selvage_agent_token }}' } });
      expect((command as { cmd: string }).cmd).not.toContain('selvage_agent_token');
    });
  });

  describe('when the role is run', { timeout: PLAY_MS }, () => {
    const folder = temporaryFolder('ansible');
    const play = (more: Readonly<Record<string, unknown>>, ...flags: readonly string[]) => {
      const agent = agentIn(folder, 'by-ansible');
      writeFileSync(join(folder, 'play.yml'), '- hosts: all\n  roles: [{ role: selvage_agent }]\n');
      const variables = {
        ...{ selvage_agent_program: agent.program, selvage_agent_settings: agent.settings },
        ...{ selvage_agent_collector: token.collector, selvage_agent_pin: token.pin, selvage_agent_token: token.token },
        ...{ selvage_agent_mode: 'advise', selvage_agent_labels: { tier: ['web'] } },
        // Not the service manager of this machine: the agent is not installed on it.
        ...{ ansible_service_mgr: 'none', ansible_python_interpreter: '/usr/bin/python3', ...more },
      };
      writeFileSync(join(folder, 'variables.json'), JSON.stringify(variables));
      const args = [
        '-i',
        'localhost,',
        '-c',
        'local',
        '-e',
        `@${folder}/variables.json`,
        ...flags,
        `${folder}/play.yml`,
      ];
      const { status, stdout, stderr } = spawnSync('ansible-playbook', args, {
        ...{ encoding: 'utf8', cwd: folder },
        env: {
          PATH,
          HOME: folder,
          LANG: 'C.UTF-8',
          ANSIBLE_ROLES_PATH: join(PACKAGING, 'ansible/roles'),
          ANSIBLE_NOCOLOR: '1',
        },
      });

      return { status, text: stdout + stderr, agent };
    };
    const changed = (text: string) => Number(/changed=(\d+)/.exec(text)?.[1]);

    it('it is understood by Ansible', () => expect(play({}, '--syntax-check').status).toBe(0));

    it('the host enrolls with what its settings say, the token seen by nobody; a second run changes nothing', async () => {
      const first = play({}, '-vvv');
      expect({ status: first.status, changed: changed(first.text) }, first.text).toEqual({ status: 0, changed: 2 });
      expect(JSON.parse(readFileSync(first.agent.settings, 'utf8'))).toEqual({
        mode: 'advise',
        labels: { tier: ['web'] },
      });
      expect(await hosts()).toMatchObject([{ name: 'by-ansible', state: 'pending', mode: 'advise' }]);
      expect(first.text + first.agent.called()).not.toContain(token.token);

      const second = play({ selvage_agent_token: '' });
      expect({ status: second.status, changed: changed(second.text) }, second.text).toEqual({ status: 0, changed: 0 });
      expect(await hosts()).toHaveLength(1);
    });

    it('a collector that cannot be reached stops it before it spends the token, and says why', () => {
      const { status, text } = play({ selvage_agent_collector: 'wss://127.0.0.1:1' });

      expect(status).not.toBe(0);
      expect(text).toContain('not ready: UNREACHABLE 127.0.0.1:1 refuses connections');
    });
  });

  describe('when the snippet of cloud-init is run', () => {
    interface UserData {
      readonly write_files: readonly {
        readonly path: string;
        readonly permissions: string;
        readonly content: string;
      }[];
      readonly runcmd: readonly string[];
    }

    const text = readFileSync(USER_DATA, 'utf8');

    it('it is cloud-config of the shape that cloud-init reads, with options that the agent has', () => {
      expect(text.split('\n')[0]).toBe('#cloud-config');
      const data = yaml(text) as UserData;
      expect(Object.keys(data)).toEqual(['write_files', 'runcmd']);
      // cc_write_files: path is required, permissions is an octal number in a string; cc_runcmd: strings are lines of sh.
      for (const file of data.write_files) {
        expect(Object.keys(file)).toEqual(['path', 'permissions', 'content']);
        expect(file.permissions).toMatch(/^0[0-7]{3}$/);
      }
      expect(data.runcmd.every((each) => typeof each === 'string')).toBe(true);
      const ours = data.runcmd.filter((line) => line.startsWith('selvage-agent '));
      expect(commandsIn(ours).map(({ command }) => command)).toEqual(['preflight', 'enroll']);
      for (const { command, options } of commandsIn(ours))
        expect(optionsOf(command)).toEqual(expect.arrayContaining(options));
    });

    it('the machine enrolls, and the token is gone from it and was no argument of a process', async () => {
      const folder = temporaryFolder('cloud-init');
      const agent = agentIn(folder, 'by-cloud-init');
      for (const stub of ['curl', 'apt-get']) {
        writeFileSync(join(folder, 'bin', stub), `#!/bin/sh\necho "${stub} $*" >>${folder}/others\n`, { mode: 0o755 });
      }
      const filled = text
        .replaceAll('COLLECTOR', token.collector)
        .replaceAll('PIN', token.pin)
        .replace(/content: TOKEN$/m, `content: ${token.token}`)
        .replaceAll('/run/', `${folder}/`)
        .replaceAll('/etc/selvage-agent/', `${folder}/etc/`);
      const data = yaml(filled) as UserData;
      for (const { path, permissions, content } of data.write_files) {
        writeFileSync(path, content, { mode: Number.parseInt(permissions, 8) });
      }
      for (const line of data.runcmd) {
        const env = { PATH: `${join(folder, 'bin')}:${PATH}`, HOME: folder };
        execFileSync('sh', ['-c', line], { env, encoding: 'utf8' });
      }

      expect(await hosts()).toContainEqual(
        expect.objectContaining({ name: 'by-cloud-init', state: 'pending', mode: 'observe' }),
      );
      expect(agent.called()).not.toContain(token.token);
      expect(() => readFileSync(join(folder, 'selvage-agent.token'))).toThrow('ENOENT');
    });
  });
});
