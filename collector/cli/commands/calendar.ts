// selvage feed calendar, selvage report vendors: when vendors release, and how long their fixes take.
import type { Command } from 'commander';
import { calendar, vendorReport } from '../../api/contract/calendar.ts';
import { calendarFile, showCalendar, showVendors } from '../calendar-page.ts';
import { type Cli, openSession } from '../cli.ts';

interface Options {
  readonly ics?: boolean;
  readonly json?: boolean;
}

/** Below `selvage feed`. */
export function addFeedCalendar(noun: Command, cli: Cli): void {
  noun
    .command('calendar')
    .description('when vendors of what is installed here release, as their own history shows; the next expected days')
    .option('--ics', 'print an iCalendar file (RFC 5545) of the expected days')
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const { client } = await openSession(cli);
      const answer = await client.get('/v1/feeds/calendar', calendar);
      if (options.ics === true) return cli.screen.crlf(calendarFile(answer));
      if (options.json === true) return cli.screen.json(answer);
      showCalendar(cli, answer);
    });
}

/** Below `selvage report`. */
export function addReportVendors(noun: Command, cli: Cli): void {
  noun
    .command('vendors')
    .description(
      'days from the publication of a CVE to its fix, by vendor and product, from the history of feeds alone',
    )
    .option('--json', 'print one JSON document')
    .action(async (options: Options) => {
      const { client } = await openSession(cli);
      const answer = await client.get('/v1/reports/vendors', vendorReport);
      if (options.json === true) return cli.screen.json(answer);
      showVendors(cli, answer);
    });
}
