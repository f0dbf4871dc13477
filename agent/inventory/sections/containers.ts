// Containers of Docker and Podman, from the state they keep on disk; their sockets are never asked (that would be root).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import * as z from 'zod';
import type { InventoryContext } from '../context.ts';
import { namesIn, readText } from '../files.ts';

type Container = Section<'containers'>[number];

const docker = z.object({
  ID: z.string(),
  Config: z.object({ Image: z.string() }),
  State: z.object({ Running: z.boolean(), Paused: z.boolean().optional() }),
});
const podman = z.array(z.object({ id: z.string(), image: z.string(), 'image-name': z.string().optional() }));

export async function collectContainers(context: InventoryContext): Promise<Section<'containers'>> {
  return [...(await readDocker(context)), ...(await readPodman(context))];
}

async function readDocker(context: InventoryContext): Promise<readonly Container[]> {
  const folder = context.at('var/lib/docker/containers');
  const ids = await mayRead(folder, namesIn(folder));

  return Promise.all(
    ids.map(async (id) => {
      const path = join(folder, id, 'config.v2.json');
      const { ID, Config, State } = decode(docker, await mayRead(path, readFile(path, 'utf8')), path);
      const state = State.Paused ? 'paused' : State.Running ? 'running' : 'exited';

      return { engine: 'docker', id: ID, image: Config.Image, state };
    }),
  );
}

/** Podman keeps whether a container runs in its own database, so only that it exists is said. */
async function readPodman(context: InventoryContext): Promise<readonly Container[]> {
  const path = context.at('var/lib/containers/storage/overlay-containers/containers.json');
  const text = await mayRead(path, readText(path));
  if (text === null) return [];

  return decode(podman, text, path).map((entry) => ({
    engine: 'podman',
    id: entry.id,
    image: entry['image-name'] ?? entry.image,
    state: 'unknown',
  }));
}

function decode<T>(schema: z.ZodType<T>, text: string, path: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new CodedError('PARSE', `${path} is not understood`, { cause: error });
  }
}

async function mayRead<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM')) throw error;
    throw new CodedError('FILE_UNREADABLE', `only root may read ${path}, so the containers are not known`, {
      cause: error,
    });
  }
}
