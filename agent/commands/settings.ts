// `selvage-agent settings`: the settings in force, as JSON. Reads only.
import type { Context } from './context.ts';

export async function showSettings(context: Context): Promise<void> {
  context.json({ from: context.settingsPaths, ...(await context.settings()) }, 2);
}
