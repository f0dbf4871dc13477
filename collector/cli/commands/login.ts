// selvage login: a one-time token and a pin become an admin's certificate on this machine. Nothing is stored and no
// token is sent before what answers fits the pin.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { firstContact, postJson } from '@selvage/shared/pki/first-contact.ts';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Cli } from '../cli.ts';
import { nameOption } from '../options.ts';

interface Options {
  readonly collector: string;
  readonly pin: string;
  readonly token: string;
  readonly name: string;
}

const answerSchema = z.object({ certificate: z.string().max(8192), authority: z.string().max(8192) });

export function addLogin(program: Command, cli: Cli): void {
  program
    .command('login')
    .description('become an admin of a collector on this machine, with a one-time token')
    .requiredOption('--collector <url>', 'address for admins, such as https://collector.example.org:7444')
    .requiredOption('--pin <pin>', 'sha256:… as "selvage admin add" printed it')
    .requiredOption('--token <token>', 'the one-time token')
    .requiredOption('--name <name>', 'name that the token is for', nameOption)
    .action((options: Options) => login(cli, options));
}

async function login(cli: Cli, { collector, pin, token, name }: Options): Promise<void> {
  const { admin, screen } = cli;
  if (await admin.exists()) {
    throw new CodedError('ALREADY_EXISTS', `an admin has logged in from ${admin.path} already`, {
      next: 'use another SELVAGE_HOME, or move that folder away first',
    });
  }
  const trust = await firstContact({ url: collector, pin });
  // Kept before it is used: when the answer gets lost, the same key may ask again with the same token.
  const privateKey = await admin.pendingKey();
  const signing = (await admin.signingKey()) ?? (await newSigningKey(cli));
  const csr = createRequest({ commonName: name, privateKey });
  const body = { token, name, csr, keyId: signing.keyId };
  const answer = answerSchema.safeParse(
    await postJson({ url: collector, path: '/v1/login', authority: trust.authority, body }),
  );
  if (!answer.success) {
    throw new CodedError('FRAME_INVALID', `the answer of ${collector} has an unknown shape`, { cause: answer.error });
  }
  const { certificate } = answer.data;
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) {
    throw new CodedError('CERTIFICATE_INVALID', 'the certificate that came back is for another key');
  }
  await admin.save({
    config: { name, url: new URL(collector).origin, pin },
    authority: trust.authority,
    certificate,
    privateKey,
    root: trust.root,
  });

  screen.line(`logged in to ${collector} as ${name}`, 'good');
  screen.line(`  keys and certificate: ${admin.path}`);
  screen.line('  to sign policy from here, let an admin whose key counts run:');
  screen.line(`selvage key trust ${signing.publicKey}`);
}

async function newSigningKey({ admin }: Cli) {
  const key = createSigningKey();
  await admin.addSigningKey(key);

  return key;
}
