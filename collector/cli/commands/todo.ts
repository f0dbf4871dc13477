// selvage todo: what to fix first, and above it what waits for a person.
import type { Command } from 'commander';
import { todo } from '../../api/contract/todo.ts';
import { type Cli, openSession } from '../cli.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { showTodo } from '../todo-page.ts';

export function addTodo(program: Command, cli: Cli): void {
  selectOption(program.command('todo'), 'tier=web and os=debian-12')
    .description(
      'what to fix first: fixes by decision, what each closes and where it stands; above it what needs a person',
    )
    .option('--all', 'every fix')
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions & { readonly all?: boolean }) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/todo', { select: options.select }), todo);
      if (options.json === true) return cli.screen.json(answer);
      showTodo(cli, answer, options.all === true);
    });
}
