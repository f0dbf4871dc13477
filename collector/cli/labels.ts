// Labels as a person types and reads them: name=value, one for each value.
export function labelTexts(labels: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(labels).flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
}
