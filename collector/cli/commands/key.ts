// selvage key: the keys that sign policy. A private key is made here and never leaves this folder.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createSigningKey, type PolicyKey, policyKey } from '@selvage/shared/policy/keys.ts';
import { adminKeysOf, replaceAdminKey, replaceOnlineKeys } from '@selvage/shared/policy/rotate.ts';
import { changeAdmins } from '@selvage/shared/policy/sign.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { admins } from '../../api/contract.ts';
import { choose, readSelect } from '../../api/selecting.ts';
import { KEY_WORDS } from '../../api/words/keys.ts';
import { type Cli, openSession } from '../cli.ts';
import { currentOrOverdue, currentPolicy } from '../current-policy.ts';
import { type ListOptions, selectOption } from '../options.ts';
import { finishRotation, type HandedIn, handIn, renew, showWaiting, signerOf } from '../push.ts';
import { newOnlineKeys } from '../recover.ts';
import { showSelection } from '../selection-lines.ts';

export function addKey(program: Command, cli: Cli): void {
  const noun = program.command('key').description('keys that sign policy');

  noun
    .command('create')
    .description('make a signing key in the admin folder of this machine')
    .action(async () => {
      const key = createSigningKey();
      await cli.admin.addSigningKey(key);
      cli.screen.line(`signing key ${key.keyId}`);
      cli.screen.line(`public key  ${key.publicKey}`);
      cli.screen.line(`next: let an admin whose key counts run: selvage key trust ${key.publicKey}`);
    });

  selectOption(noun.command('list'), 'counts and not here')
    .description('keys that the policy counts, and the one of this machine')
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('trust')
    .description('let the policy count another admin’s key, signed with the one of this machine')
    .argument('<public-key>', '64 hex digits, as "selvage key create" printed them')
    .action(async (publicKey: string) => {
      const added = policyKey(publicKey);
      const { waits } = await change(cli, (keys) => {
        if (keys.some(({ keyId }) => keyId === added.keyId)) {
          throw new CodedError('ALREADY_EXISTS', `the policy counts ${added.keyId.slice(0, 16)} already`);
        }

        return [...keys, added];
      });
      if (waits !== null) return showWaiting(cli, waits);
      cli.screen.line(`the policy now counts ${added.keyId}`);
    });

  noun
    .command('distrust')
    .description('let the policy count a key no longer; all that it signed is signed anew')
    .argument('<key-id>', 'key id or its first digits, as "selvage key list" prints it')
    .action(async (prefix: string) => {
      const { waits } = await change(cli, (keys) => {
        const found = keys.filter(({ keyId }) => keyId.startsWith(prefix));
        if (found.length !== 1) throw new CodedError('NOT_FOUND', `${found.length} keys start with ${prefix}`);

        return keys.filter((key) => !found.includes(key));
      });
      if (waits !== null) return showWaiting(cli, waits);
      cli.screen.line(`the policy no longer counts ${prefix}`);
    });

  noun
    .command('threshold')
    .description('how many admins must sign, each with a key of their own; takes the signatures of as many')
    .argument('<number>', 'from 1 to the number of keys that count', thresholdArgument)
    .action((threshold: number) => setThreshold(cli, threshold));

  noun
    .command('rotate')
    .description('replace the signing key of this machine by a new one, in the root and in all that it signed')
    .action(() => rotate(cli));

  noun
    .command('rotate-online')
    .description('replace the keys that the collector signs snapshot and timestamp with (it was stolen, or lost them)')
    .action(() => rotateOnline(cli));

  noun
    .command('renew-root')
    .description('give the root a new term; "selvage policy renew" does so in time by itself')
    .action(async () => {
      const session = await openSession(cli);
      const { policy } = await currentOrOverdue(cli, session);
      const { waits } = await renew(cli, session, policy, ['root']);
      if (waits !== null) return showWaiting(cli, waits);
      const { root } = (await currentPolicy(cli, session)).signed;
      cli.screen.line(`root ${root.version} ends ${root.expires}`, 'good');
    });
}

/** Both keys are kept until the collector counts the new one; what was cut off is finished by the next run. */
async function rotate(cli: Cli): Promise<void> {
  const session = await openSession(cli);
  const { policy: current } = await currentOrOverdue(cli, session);
  const finished = await finishRotation(cli, current);
  if (finished) return cli.screen.line(`the rotation of before is finished: ${finished.keyId} signs`, 'good');

  const from = await signerOf(cli, current);
  const to = (await cli.admin.nextSigningKey()) ?? createSigningKey();
  await cli.admin.keepNextSigningKey(to);
  const { waits } = await handIn(cli, session, current, replaceAdminKey({ current, from, to, now: cli.clock.now() }));
  if (waits !== null) {
    showWaiting(cli, waits);
    cli.screen.line(`  ${from.keyId.slice(0, 16)} signs until then; whatever signs next takes the new one up`);

    return;
  }
  await cli.admin.promoteSigningKey();
  cli.screen.line(`${to.keyId} signs from here now`, 'good');
  cli.screen.line(`  ${from.keyId.slice(0, 16)} counts no more and was removed; hosts follow by themselves`);
}

async function rotateOnline(cli: Cli): Promise<void> {
  const session = await openSession(cli);
  const { policy: current } = await currentOrOverdue(cli, session);
  const signer = await signerOf(cli, current);
  const online = await newOnlineKeys(session);
  const { root } = current.signed;
  const proposal = replaceOnlineKeys({ root, online, signers: [signer], now: cli.clock.now() });
  const { waits } = await handIn(cli, session, current, proposal);
  if (waits !== null) return showWaiting(cli, waits);
  cli.screen.line(`root ${root.version + 1} names new keys for snapshot and timestamp`, 'good');
  cli.screen.line('  the old ones count nowhere from the moment a host has seen this root');
}

/** Takes as many signatures as before and as many as after: whoever asks for more shows that they are there. */
async function setThreshold(cli: Cli, threshold: number): Promise<void> {
  const { screen } = cli;
  let all = 0;
  const { waits } = await change(
    cli,
    (keys, before) => {
      all = keys.length;
      if (before === threshold) {
        throw new CodedError('ALREADY_EXISTS', `${threshold} of ${all} keys must sign already`);
      }

      return keys;
    },
    threshold,
  );
  if (threshold > 1 && threshold === all) {
    screen.note(`with ${threshold} of ${all} keys nobody can sign anything once one is lost: let one more key count`);
  }
  if (waits !== null) return showWaiting(cli, waits);
  screen.line(`${threshold} of ${all} keys must sign`, 'good');
}

/** `threshold`: when that is to change. */
async function change(
  cli: Cli,
  to: (keys: readonly PolicyKey[], threshold: number) => readonly PolicyKey[],
  threshold?: number,
): Promise<HandedIn> {
  const session = await openSession(cli);
  const current = await currentPolicy(cli, session);
  const signer = await signerOf(cli, current);
  const before = current.signed.root.roles.targets.threshold;
  const proposal = changeAdmins({
    current,
    admins: to(adminKeysOf(current.signed.root), before),
    threshold: threshold ?? before,
    signers: [signer],
    now: cli.clock.now(),
  });

  return handIn(cli, session, current, proposal);
}

function thresholdArgument(value: string): number {
  const number = Number(value);
  if (!/^[1-9]\d?$/.test(value)) throw new InvalidArgumentError('A number of admins, such as 2.');

  return number;
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const select = readSelect(options.select, KEY_WORDS);
  const session = await openSession(cli);
  const [current, own, known] = await Promise.all([
    currentPolicy(cli, session),
    cli.admin.signingKey(),
    session.client.get('/v1/admins', admins),
  ]);
  const keys = adminKeysOf(current.signed.root).map(({ keyId, publicKey }) => ({
    keyId,
    publicKey,
    admin: known.admins.find((admin) => admin.keyId === keyId)?.name ?? null,
    here: own?.keyId === keyId,
    counts: true,
  }));
  const uncounted =
    own && !keys.some(({ here }) => here)
      ? [{ keyId: own.keyId, publicKey: own.publicKey, admin: null, here: true, counts: false }]
      : [];
  const { threshold } = current.signed.root.roles.targets;
  const { chosen, selection } = await choose([...keys, ...uncounted], select, cli.clock.now());
  if (options.json === true) return cli.screen.json({ threshold, keys: chosen, selection });

  cli.screen.line(`${threshold} of ${keys.length} keys must sign`, 'strong');
  showSelection(cli.screen, selection, 'keys');
  cli.screen.table(
    [{ title: 'KEY' }, { title: 'ADMIN', shrinks: true }, { title: 'HERE' }, { title: 'COUNTS' }],
    chosen.map((key) => [key.keyId.slice(0, 16), key.admin ?? '-', key.here ? 'yes' : '', key.counts ? 'yes' : 'NO']),
  );
}
