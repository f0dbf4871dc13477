// Vendor, model, processor, memory, disks: the only section that asks systeminformation, which starts programs for it; so it
// is loaded here and nowhere else, in the short-lived child only.
import type { Section } from '@selvage/shared/model/inventory.ts';

export async function collectHardware(): Promise<Section<'hardware'>> {
  const { default: facts } = await import('systeminformation');
  const [system, board, cpu, memory, disks] = await Promise.all([
    facts.system(),
    facts.baseboard(),
    facts.cpu(),
    facts.mem(),
    facts.blockDevices(),
  ]);

  return {
    vendor: text(system.manufacturer) || text(board.manufacturer),
    model: text(system.model) || text(board.model),
    serial: text(system.serial) || text(board.serial),
    virtual: system.virtual === true,
    cpu: { model: `${text(cpu.manufacturer)} ${text(cpu.brand)}`.trim(), cores: whole(cpu.cores) },
    memoryBytes: whole(memory.total),
    disks: disks
      .filter((device) => device.type === 'disk' && text(device.name) !== '')
      .map((device) => ({ name: device.name, bytes: whole(device.size), type: text(device.physical) })),
  };
}

/** The library answers "-" or nothing where the firmware is silent. */
function text(value: unknown): string {
  return typeof value === 'string' && value !== '-' ? value.trim() : '';
}

function whole(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}
