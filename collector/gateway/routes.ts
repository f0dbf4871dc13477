// Every address of the agents' port, with what guards it. The gateway serves no other: what is not in this list is 404 before
// anybody looks at it, so a route that was added elsewhere without a guard reaches nobody.
import { CONNECT_PATH } from '@selvage/shared/wire/wire.ts';

const OK = 200;

/** `public`: for first contact, tells what everybody may know. `token`: a one-time secret in the body. `certificate`: of a host. */
export type GatewayGuard = 'public' | 'token' | 'certificate';

export interface GatewayRoute {
  readonly kind: 'request' | 'upgrade';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly guard: GatewayGuard;
}

export const GATEWAY_ROUTES: readonly GatewayRoute[] = [
  { kind: 'request', method: 'GET', path: '/v1/trust', guard: 'public' },
  { kind: 'request', method: 'POST', path: '/v1/enroll', guard: 'token' },
  { kind: 'upgrade', method: 'GET', path: CONNECT_PATH, guard: 'certificate' },
];

export function isServed(kind: GatewayRoute['kind'], url: string | undefined): boolean {
  return GATEWAY_ROUTES.some((route) => route.kind === kind && route.path === url);
}

/** True when the answer was a welcome to whoever brought the secret that the route asks for. */
export function isRedeemed(
  { url }: { readonly url?: string | undefined },
  { statusCode }: { readonly statusCode: number },
): boolean {
  return statusCode === OK && GATEWAY_ROUTES.some(({ guard, path }) => guard === 'token' && path === url);
}
