// `selvage-agent settings`: the settings in force, as JSON. Reads only.
import { shownSettings } from '../settings.ts';
import type { Context } from './context.ts';

export async function showSettings(context: Context): Promise<void> {
  context.json({ from: context.settingsPaths, ...shownSettings(await context.settings()) }, 2);
}
