// Every limit of the gateway in one place, with unit and reason. They hold before memory or work is spent.

export interface GatewayLimits {
  /** Time for the TLS handshake, and again for the request headers. */
  readonly handshakeMs: number;
  /** Time from the upgrade to Hello. */
  readonly helloMs: number;
  /** Below the minute after which common proxies and the shortest NAT tables drop a silent connection; 60 bytes of TLS each. */
  readonly heartbeatSeconds: number;
  /** Silent for so long, a connection is taken for half-open: two and a half heartbeats. */
  readonly idleMs: number;
  /** Frames of one host that may wait for intake; then its socket is not read until one is done. */
  readonly inFlight: number;
  /** Frames a host may send: steady rate and burst (a first inventory is about 20 frames). */
  readonly framesPerSecond: number;
  readonly frameBurst: number;
  /** Bytes as they are sent and again as they unpack: what is large is read in a thread, one for all hosts. */
  readonly bytesPerSecond: number;
  readonly byteBurst: number;
  /** Connections one certificate of a host may open, per minute and at once; a handshake costs 1.5 ms of CPU. */
  readonly connectsPerMinute: number;
  readonly connectBurst: number;
  /** Messages refused for good, each an entry in the ledger for ever. */
  readonly refusalsPerMinute: number;
  readonly refusalBurst: number;
  /** Connections of one host at a time: the old one and the one that replaces it. */
  readonly connectionsPerHost: number;
  /** Sockets that have not proven who they are, in all and from one address. */
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
  /** New sockets of strangers, steady and burst: from one address, and from all that no host ever came from. 20 a second
   * are 3 % of a core, 300 are 45 %. */
  readonly strangersPerAddressPerSecond: number;
  readonly strangerBurstPerAddress: number;
  readonly strangersPerSecond: number;
  readonly strangerBurst: number;
  /** Addresses of strangers that are remembered; more share one rate. */
  readonly addresses: number;
  /** Bytes that may wait for a host that does not read. */
  readonly sendBufferBytes: number;
  /** Retry-after given at shutdown: the least, and the span the fleet is spread over. */
  readonly shutdownRetryMs: number;
  readonly shutdownSpreadMs: number;
  /** Retry-after when the fault is the collector's own (disk full, store failed). */
  readonly faultRetryMs: number;
  /** How long running intake may take to finish at shutdown. */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  handshakeMs: 10_000,
  helloMs: 10_000,
  heartbeatSeconds: 55,
  idleMs: 137_500,
  inFlight: 16,
  framesPerSecond: 50,
  frameBurst: 1000,
  bytesPerSecond: 1024 * 1024,
  byteBurst: 32 * 1024 * 1024,
  connectsPerMinute: 12,
  connectBurst: 20,
  refusalsPerMinute: 2,
  refusalBurst: 20,
  connectionsPerHost: 2,
  unauthenticated: 2048,
  unauthenticatedPerAddress: 256,
  strangersPerAddressPerSecond: 20,
  strangerBurstPerAddress: 256,
  strangersPerSecond: 300,
  strangerBurst: 2048,
  addresses: 65_536,
  sendBufferBytes: 4 * 1024 * 1024,
  shutdownRetryMs: 2000,
  shutdownSpreadMs: 30_000,
  faultRetryMs: 10_000,
  drainMs: 5000,
};
