// Live events of the collector, for the console of `serve`, the API's event stream and later the dashboard.
// In memory only: whoever was not listening reads the store or the audit ledger instead.

export type CollectorEvent =
  | {
      readonly type: 'host.connected' | 'host.disconnected';
      readonly host: string;
      readonly name: string;
      readonly reason?: string;
    }
  | {
      readonly type: 'host.revoked' | 'host.readmitted' | 'host.accepted' | 'host.retired' | 'host.described';
      readonly host: string;
      readonly name: string;
    }
  | {
      /** `pending`: an admin has to accept it. */
      readonly type: 'host.enrolled';
      readonly host: string;
      readonly name: string;
      readonly pending?: boolean;
    }
  | {
      /** `reason`: cloned or superseded, or the code of the refusal. */
      readonly type: 'host.quarantined' | 'host.knocked';
      readonly host: string;
      readonly name: string;
      readonly reason: string;
    }
  | {
      /** One identity is used from two places in turn. */
      readonly type: 'host.flapping';
      readonly host: string;
      readonly name: string;
      readonly addresses: readonly string[];
    }
  | {
      readonly type: 'inventory.received';
      readonly host: string;
      readonly name: string;
      readonly changed: readonly string[];
    }
  | {
      readonly type: 'result.received';
      readonly host: string;
      readonly name: string;
      readonly run: string;
      readonly outcome: string;
    }
  | {
      /** Packages were changed by something else than Selvage. */
      readonly type: 'host.changedOutside';
      readonly host: string;
      readonly name: string;
      readonly transactions: number;
      readonly packages: number;
      /** Users or commands, as the host's logs name them. */
      readonly by: string;
    }
  /** A machine without an agent was brought in a file, or is no more. */
  | { readonly type: 'import.changed'; readonly name: string }
  /** VEX documents were imported or removed. */
  | { readonly type: 'vex.changed'; readonly document: string }
  | {
      /** Another generation of a feed is current: `store.read.feeds.changed(from, to)` says what has to be matched again. */
      readonly type: 'feed.changed';
      readonly feed: string;
      readonly from: number | null;
      readonly to: number;
      readonly records: number;
    }
  | { readonly type: 'policy.changed'; readonly timestampVersion: number };

export type EventListener = (event: CollectorEvent) => void;

export class Events {
  readonly #listeners = new Set<EventListener>();

  publish(event: CollectorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);

    return () => this.#listeners.delete(listener);
  }
}
