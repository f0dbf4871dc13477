// Labels of a machine of every origin together: its own, those of signed groups, and the collector's. Pure.
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import type { HostRecord } from '../store/ports.ts';
import type { MachineFacts } from './facts.ts';

export type LabelsOf = (
  host: Pick<HostRecord, 'id' | 'name' | 'labels'>,
  facts: Pick<MachineFacts, 'os' | 'ownLabels'>,
) => Labels;

export function labelsBy(documents: readonly PolicyDocument[]): LabelsOf {
  const selector = selectorOf(documents);

  return ({ id, name, labels }, { os, ownLabels }) => {
    const signed = selector.labelsOf({
      ...{ id, name, labels: ownLabels },
      os: os && { id: os.id, idLike: os.idLike ?? [], version: os.version },
    });

    return merged([ownLabels ?? {}, signed.labels, labels]);
  };
}

/** Every value of every origin, each once. */
function merged(origins: readonly Labels[]): Labels {
  const found = new Map<string, string[]>();
  for (const labels of origins) {
    for (const [name, values] of Object.entries(labels)) {
      const known = found.get(name) ?? [];
      found.set(name, [...new Set([...known, ...values])]);
    }
  }

  return Object.fromEntries(found);
}
