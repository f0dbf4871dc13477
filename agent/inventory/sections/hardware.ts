// Vendor, model, processor, memory, disks: the only section that asks systeminformation, which starts some twenty programs for
// it; so it is loaded here and nowhere else, in the short-lived child only, and asked once per boot and day.
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { SECTIONS, type Section } from '@selvage/shared/model/inventory.ts';
import * as z from 'zod';
import type { InventoryContext } from '../context.ts';
import { readText } from '../files.ts';

type Hardware = Section<'hardware'>;

/** A disk that was plugged in is seen within a day; everything else needs a boot. */
const ASK_AGAIN_HOURS = 24;
const MAX_BYTES = 256 * 1024;

const remembered = z.strictObject({
  boot: z.string(),
  agent: z.string(),
  takenAt: z.string(),
  data: SECTIONS.hardware,
});

export async function collectHardware(context: InventoryContext): Promise<Hardware> {
  const boot = (await readText('/proc/sys/kernel/random/boot_id'))?.trim() ?? '';
  const before = await recall(context, boot);
  if (before !== null) return before;

  const data = await ask();
  await remember(context, boot, data);

  return data;
}

/** What was found in this boot by this agent, not long ago; null when it has to be asked. */
async function recall({ hardwareFile, agentVersion, clock }: InventoryContext, boot: string): Promise<Hardware | null> {
  if (hardwareFile === null || boot === '') return null;

  try {
    const bytes = await readBounded(hardwareFile, MAX_BYTES);
    if (bytes === null) return null;
    const { data, ...saved } = remembered.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    const hours = clock.now().since(Temporal.Instant.from(saved.takenAt)).total('hours');

    return saved.boot === boot && saved.agent === agentVersion && hours >= 0 && hours < ASK_AGAIN_HOURS ? data : null;
  } catch {
    // What cannot be read or understood is asked anew and written over: it only saves time.
    return null;
  }
}

async function remember({ hardwareFile, agentVersion, clock }: InventoryContext, boot: string, data: Hardware) {
  if (hardwareFile === null || boot === '') return;

  try {
    const saved = { boot, agent: agentVersion, takenAt: clock.now().toString(), data };
    await writeDurable(hardwareFile, `${JSON.stringify(saved)}\n`);
  } catch (error) {
    // It only saves time: without room, or where this user may not write, it is asked again.
    if (!hasCode(error) && !isRefusal(error)) throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return hasErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'EROFS');
}

async function ask(): Promise<Hardware> {
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
