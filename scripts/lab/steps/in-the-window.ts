// Both hosts upgrade exactly the approved package, the one with the forged mirror after it has been fetched again.
import { fetch, onEach, pass, versionsOf } from '../asking.ts';
import { FORGED_MARK, NEW_WIDGET, OLD_GADGET, OLD_WIDGET, WIDGET_MARK, WINDOW_NOW } from '../cast.ts';
import { expectSame, expectThat } from '../expectation.ts';
import { fileOf } from '../stage.ts';
import type { Step } from '../step.ts';

export const inTheWindow: Step = {
  name: 'in-the-window',
  title: 'In the window exactly the approved package is upgraded, with the real apt and dpkg',
  play: async (stage) => {
    return onEach(stage, async (host) => {
      const before = await versionsOf(host);
      await fetch(host);
      const [result] = await pass(host);
      const after = await versionsOf(host);
      expectThat(result?.outcome === 'installed' && result.window === WINDOW_NOW, `${host.name} to install`, result);
      expectSame(
        result.transaction?.upgrade.map(({ name, from, to }) => [name, from, to]),
        [['widget', OLD_WIDGET, NEW_WIDGET]],
        `the transaction of ${host.name}`,
      );
      expectSame(after, { ...before, widget: NEW_WIDGET }, `the packages of ${host.name}`);
      expectThat(after.gadget === OLD_GADGET, 'the package that nobody approved to stay', after);
      expectSame(await fileOf(host, WIDGET_MARK), `${NEW_WIDGET}\n`, 'what the postinst wrote inside the system');
      expectSame(await fileOf(host, FORGED_MARK), null, 'the mark of the forged package');

      return {
        line: `widget ${before.widget} -> ${after.widget}; gadget stays ${after.gadget}`,
        facts: { before, after, outcome: result.outcome, window: result.window },
      };
    });
  },
};
