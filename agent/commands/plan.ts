// `selvage-agent plan`: what would be installed, when, and why not now. It changes nothing.
import { explainPlan, type PlanReport } from '../runner/explain.ts';
import type { Context } from './context.ts';
import { running } from './running.ts';

export async function showPlan(context: Context, flags: { readonly json?: boolean }): Promise<void> {
  const report = await explainPlan(await running(context, await context.settings()));
  if (flags.json) context.json(report);
  else for (const line of describe(report)) context.say(line);
}

function describe(report: PlanReport): readonly string[] {
  const policy = report.policy ? `policy accepted ${report.policy.acceptedAt}` : 'no policy accepted yet';
  const problem = report.problem ? [`policy problem ${report.problem.code}: ${report.problem.message}`] : [];
  const none = report.approvals.length === 0 ? ['no approval concerns this host'] : [];
  const approvals = report.approvals.flatMap((plan) => {
    const packages = plan.packages.map(({ name, version }) => `${name} ${version}`).join(', ') || 'nothing';
    const [next] = plan.window.next;
    const code = plan.code === null ? '' : ` ${plan.code}`;

    return [
      '',
      `${plan.fix.source} ${plan.fix.version}  (${plan.approval}, policy ${plan.policy}, lane ${plan.lane})`,
      `  installs  ${packages}`,
      `  now       ${plan.verdict}${code}: ${plan.message}`,
      `  window    ${plan.window.name}${next === undefined ? '' : `, next ${next}`}`,
      `  until     ${plan.expires}`,
    ];
  });

  const others =
    report.otherUpdaters === null
      ? ['other updaters: not known']
      : report.otherUpdaters.length === 0
        ? []
        : [`other updaters that install here too: ${report.otherUpdaters.join(', ')}`];

  return [`mode ${report.mode}; ${policy}`, ...others, ...problem, ...none, ...approvals];
}
