// Counts with their noun, as people read them: `1 host`, `2,391 hosts`.

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
