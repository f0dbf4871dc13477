// Runs a collector: builds its rooms from the files of a home, hands each what it needs, and drains them in order.
// INVARIANTS: the store opens first and closes last; nobody new is let in before the policy is fresh.
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { ProxyEnvironment } from '@selvage/shared/net/proxy.ts';
import { pinOf } from '@selvage/shared/pki/pin.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { alarmsOf } from './alarms/alarms.ts';
import { readFacts } from './alarms/facts.ts';
import { HeldPolicy } from './alarms/held.ts';
import { logAlarms } from './alarms/watch.ts';
import { type Api, startApi } from './api/server.ts';
import { keepWorkReady } from './api/todo-work.ts';
import { createEnrollment } from './enrollment/enrollment.ts';
import { openHostsAuthorities } from './enrollment/hosts-authorities.ts';
import { createRotation } from './enrollment/rotation.ts';
import { enrollmentRoutes, loginRoutes } from './enrollment/routes.ts';
import { retireUnaccepted } from './enrollment/unaccepted.ts';
import { Events } from './events.ts';
import { createFeeds } from './feeds/feeds.ts';
import { DEFAULT_FEED_SETTINGS } from './feeds/keeping/settings.ts';
import { FleetIndex } from './findings/index.ts';
import { type FindingsKeeper, keepFindings } from './findings/keeper.ts';
import { createTriageNow } from './findings/triage-now.ts';
import { followEvents } from './follow-events.ts';
import { startGateway } from './gateway/gateway.ts';
import { keepHistory } from './history/keeper.ts';
import { type Home, readPair, readText } from './home.ts';
import { openHomeStore } from './home-store.ts';
import { keepHostAdvisories } from './host-advisories/keeper.ts';
import { hostsShelf } from './hosts-shelf.ts';
import { createIntake } from './intake/intake.ts';
import { openKeyring } from './policy/keyring.ts';
import { createPolicyRepository, type PolicyRepository } from './policy/repository.ts';
import { restorationsOf } from './restorations.ts';
import { keepServing, ServerCertificates } from './server-certificates.ts';
import { type CollectorSettings, urlHost } from './settings.ts';
import type { Store } from './store/ports.ts';
import { VERSION } from './version.ts';
import { keepAdvisories } from './vex/advisory-keeper.ts';
import { keepSuppressions } from './vex/keeper.ts';

export interface ServeDeps {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Which proxy leads to the publishers of feeds; none when left out. */
  readonly environment?: ProxyEnvironment;
}

export interface Served {
  readonly addresses: Addresses;
  readonly events: Events;
  /** Stops taking connections, lets running work finish and closes the store. */
  close(): Promise<void>;
}

interface Addresses {
  readonly gateway: string;
  readonly gatewayPin: string;
  readonly api: string;
  readonly apiPin: string;
}

/** Far below the timestamp's lifetime of a day, so that hosts never see one about to end. */
const REFRESH_MS = 60 * 60 * 1000;
const RETRY_MS = 60 * 1000;
/** Certificates that feeds are fetched under beside the usual ones. */
const MAX_AUTHORITIES_BYTES = 4 * 1024 * 1024;
const FIRST_ROOT = '1.root.json';

/** Throws ADDRESS_IN_USE, STORE_*, FILE_* or what the policy room says of a damaged repository. */
export async function serve(settings: CollectorSettings, deps: ServeDeps): Promise<Served> {
  const store = await openHomeStore(deps.home, deps);

  try {
    return await serveStore(store, settings, deps);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serveStore(store: Store, settings: CollectorSettings, deps: ServeDeps): Promise<Served> {
  const { home, clock, random, log } = deps;
  const authorities = await openHostsAuthorities(hostsShelf(home.collector));
  const hosts = authorities.issuing;
  const admins = await readPair(home.collector.adminsAuthority);
  const keys = await openKeyring(home.collector.onlineKeys);
  const restorations = await restorationsOf(store.read.audit);
  const events = new Events();
  const policy = createPolicyRepository({ store, keys, clock, events });
  await policy.refreshTimestamp({ restarted: true }).catch((error: unknown) => {
    // Lost or replaced online keys are mended by an admin through this very collector, so it must run.
    if (!hasCode(error, 'KEY_UNUSABLE')) throw error;
    log.error({ code: error.code, next: error.next }, error.message);
  });
  const enrollment = createEnrollment({
    ...{ store, hosts, admins, clock, random, events },
    newest: () => authorities.newest,
    root: () => firstRoot(store),
  });
  const held = new HeldPolicy();
  const intake = createIntake({ store, clock, events });
  const shown = new ServerCertificates({
    ...{ authorities: { gateway: hosts, api: admins }, names: settings.names, clock, random },
  });
  const tlsOf = {
    gateway: () => ({ ...shown.of('gateway'), hostsAuthority: authorities.trusted }),
    api: () => ({ ...shown.of('api'), adminsAuthority: admins.certificate }),
  };
  const fleet = new FleetIndex();
  const feedsOf = settings.feeds ?? DEFAULT_FEED_SETTINGS;
  const feeds = await createFeeds({
    ...{ store, clock, random, events, log, settings: feedsOf, folder: home.arriving, version: VERSION },
    environment: deps.environment ?? {},
    authorities: feedsOf.ca === undefined ? [] : [await readText(feedsOf.ca, MAX_AUTHORITIES_BYTES)],
    ecosystems: async () => [...new Set(Array.from(fleet.ids(), (id) => fleet.software(id).ecosystem))],
  });
  const alarms = async () => {
    const facts = await readFacts({
      ...{ store, policy, held, feeds },
      certificates: () => [
        { kind: 'hosts-authority', pem: hosts.certificate },
        { kind: 'admins-authority', pem: admins.certificate },
        { kind: 'gateway-certificate', pem: shown.of('gateway').cert },
        { kind: 'api-certificate', pem: shown.of('api').cert },
      ],
    });

    return { alarms: alarmsOf(facts, clock.now()), held: facts.behind };
  };

  const gateway = await startGateway({
    store,
    tls: tlsOf.gateway(),
    enrollmentRoutes: enrollmentRoutes(enrollment, { log }),
    intake,
    clock,
    log,
    events,
    listen: { host: settings.listen, port: settings.gatewayPort },
    collectorVersion: VERSION,
    renew: (request) => enrollment.renewHost(request),
    authorities: () => authorities.endorsed,
    restorations,
    onHeld: (host, said) => held.note(host, said),
  });
  const root = await firstRoot(store);
  // At each use: the pin follows the authority that signs for the gateway.
  const addressesAt = (apiPort: number): Addresses => ({
    ...urlsOf(settings, { gateway: gateway.port, api: apiPort }),
    gatewayPin: pinOf(hosts.certificate, root),
    apiPin: pinOf(admins.certificate, root),
  });
  let apiPort = settings.apiPort;
  let api: Api;
  let findings: FindingsKeeper | null = null;

  const triage = createTriageNow({ feeds: store.read.feeds, fleet, policy });
  const suppressions = await keepSuppressions({ store, policy, events, log });

  try {
    api = await startApi({
      ...{ store, enrollment, policy, alarms, feeds, connections: gateway, events, clock, log },
      ...{
        restorations,
        fleet: () => fleet,
        triage,
        suppress: () => suppressions.suppress,
        concerns: () => suppressions.concerns,
        settled: () => findings?.settled() ?? false,
      },
      authorities: createRotation({
        ...{ authorities, store, clock, random },
        onChanged: (step) => {
          if (step === 'switched') shown.renew('gateway');
          gateway.secure(tlsOf.gateway());
          gateway.announceAuthorities();
        },
      }),
      version: VERSION,
      firstContact: loginRoutes(enrollment, { log }),
      addresses: () => addressesAt(apiPort),
      tls: tlsOf.api(),
      listen: { host: settings.listen, port: settings.apiPort },
    });
  } catch (error) {
    await Promise.all([gateway.close(), feeds.close()]);
    throw error;
  }
  apiPort = api.port;
  const unsubscribe = followEvents({ events, gateway, held, policy, log });
  const history = keepHistory({ store, clock, events, log });
  findings = keepFindings({
    ...{ store, fleet, clock, events, log },
    documents: async () => (await policy.current()).documents.map(({ document }) => document),
  });
  const advisories = keepAdvisories({
    ...{ store, clock, events, log },
    documents: async () => (await policy.current()).documents.map(({ document }) => document),
  });
  const told = keepHostAdvisories({
    ...{ store, clock, random, events, log, folder: home.arriving, bring: feeds.bring },
  });
  const stopped = new AbortController();
  const refreshing = keepFresh(policy, clock, log, stopped.signal);
  const retiring = retireUnaccepted(enrollment, clock, log, stopped.signal);
  const renewing = keepServing({
    ...{ certificates: shown, clock, log, signal: stopped.signal },
    use: (server) => (server === 'api' ? api.secure(tlsOf.api()) : gateway.secure(tlsOf.gateway())),
  });
  const warning = logAlarms(async () => (await alarms()).alarms, clock, log, stopped.signal);
  const ahead = keepWorkReady(
    {
      ...{ clock, log, triage, fleet: () => fleet, settled: () => findings?.settled() ?? false },
      ...{ suppress: () => suppressions.suppress, concerns: () => suppressions.concerns },
    },
    stopped.signal,
  );

  return {
    addresses: addressesAt(apiPort),
    events,
    close: async () => {
      stopped.abort();
      await Promise.all([api.close(), gateway.close(), refreshing, renewing, retiring, warning, ahead]);
      await Promise.all([told.close(), feeds.close()]);
      await history.close();
      await advisories.close();
      await findings?.close();
      unsubscribe();
      suppressions.close();
      await store.close();
    },
  };
}

/** What admins and hosts type: the first name of the settings with each port. */
export function urlsOf(
  settings: CollectorSettings,
  ports: { readonly gateway: number; readonly api: number },
): { readonly gateway: string; readonly api: string } {
  const host = urlHost(settings.names[0] ?? settings.listen);

  return { gateway: `wss://${host}:${ports.gateway}`, api: `https://${host}:${ports.api}` };
}

/** A timestamp that nobody refreshes ends after a day, and hosts then accept nothing newer. */
async function keepFresh(policy: PolicyRepository, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  let wait = REFRESH_MS;

  for (;;) {
    try {
      await clock.sleep(wait, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    try {
      await policy.refreshTimestamp();
      wait = REFRESH_MS;
    } catch (error) {
      const { code, message } = asCoded(error);
      log.error({ code, error }, `the policy timestamp was not refreshed: ${message}`);
      wait = RETRY_MS;
    }
  }
}

/** What new machines pin; later roots are followed from it. */
async function firstRoot(store: Store): Promise<Uint8Array> {
  const root = await store.read.policy.file(FIRST_ROOT);
  if (!root) throw new CodedError('POLICY_INVALID', `the policy repository has no ${FIRST_ROOT}`);

  return root;
}
