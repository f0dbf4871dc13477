// One machine of the fleet as a value: whoever has it may keep it, one that changes is another object.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { MachineFacts, MachineRecord } from './facts.ts';
import type { Machine } from './fleet.ts';

/** Its software is read from its list each time; all else are plain fields. */
export class FleetMachine implements Machine {
  readonly key: MachineKey;
  readonly id: Machine['id'];
  readonly name: string;
  readonly os: Machine['os'];
  readonly takenAt: Timestamp;
  readonly firstReportedAt: Timestamp;
  readonly labels: Machine['labels'];
  readonly ownLabels: MachineFacts['ownLabels'];
  readonly offers: Machine['offers'];
  readonly bootedAt: Machine['bootedAt'];
  readonly listening: Machine['listening'];
  readonly stillRunning: Machine['stillRunning'];
  readonly unseenProcesses: number;
  readonly kernel: Machine['kernel'];
  readonly unknown: string | null;
  readonly #facts: MachineFacts;
  readonly #software: () => Machine['software'];

  constructor(record: MachineRecord, facts: MachineFacts, software: () => Machine['software']) {
    this.key = record.key;
    this.id = record.id;
    this.name = record.name;
    this.os = facts.os;
    this.takenAt = facts.takenAt;
    this.firstReportedAt = record.firstReportedAt;
    this.labels = record.labels;
    this.ownLabels = facts.ownLabels;
    this.offers = facts.offers;
    this.bootedAt = facts.bootedAt;
    this.listening = facts.listening;
    this.stillRunning = facts.stillRunning;
    this.unseenProcesses = facts.unseenProcesses;
    this.kernel = facts.kernel;
    this.unknown = facts.unknown;
    this.#facts = facts;
    this.#software = software;
  }

  get facts(): MachineFacts {
    return this.#facts;
  }

  get software(): Machine['software'] {
    return this.#software();
  }
}
