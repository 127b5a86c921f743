/** Mutants of probes: how traps rewrite answers, what they notice, and how their facts become a verdict. */
import { type Mutant, noticedBy } from './mutant.ts';

const scripts = 'test/grade/traps/traps.test.ts';

export const trapMutants: readonly Mutant[] = [
  ...noticedBy(scripts, 'src/http/interceptor.ts', [
    {
      id: 'traps.servers-are-judged',
      title: 'requests between servers',
      at: 'answering.length > 0 && «!call.exchange.isFromServer»;',
      by: 'true',
    },
    {
      id: 'traps.cursor-not-resolved',
      title: 'P46 odd-cursor',
      at: 'return «real === name» ? value :',
      by: 'true',
    },
  ]),
  ...noticedBy('test/control/catalogue.test.ts', 'src/world/traps.ts', [
    {
      id: 'traps.armed-by-any-page',
      title: 'arms no reply',
      at: '«isOfForeignPage(request.headers)» ||',
      by: 'false',
    },
  ]),
  ...noticedBy('test/control/catalogue.test.ts', 'src/net/foreign-page.ts', [
    {
      id: 'traps.armed-by-images-of-neighbours',
      title: 'an image of a page at another port',
      at: "«mode !== 'cors'» ||",
      by: 'false',
    },
    {
      id: 'traps.armed-by-older-browsers',
      title: 'a script of an older browser',
      at: 'if (site === undefined && «origin === undefined») return',
      by: 'true',
    },
    {
      id: 'traps.armed-by-images-at-other-machines',
      title: 'an image of a browser that says nothing',
      at: "return «/^Mozilla\\//.test(headers['user-agent'] ?? '')»;",
      by: 'false',
    },
    {
      id: 'traps.no-page-is-local',
      title: 'a page on this machine',
      at: "!(«isLocal» || site === 'same-site')",
      by: 'false',
    },
  ]),
  ...noticedBy(scripts, 'src/http/send-reply.ts', [
    {
      id: 'faults.cut-in-order',
      title: 'a fault ends an answer',
      at: 'bytes.subarray(0, «bytes.length / 2»)',
      by: 'bytes.length',
    },
    {
      id: 'faults.abort-in-order',
      title: 'a fault ends an answer',
      at: "if («socket && 'resetAndDestroy' in socket && !('encrypted' in socket)») socket",
      by: 'false',
    },
  ]),
  ...noticedBy(scripts, 'src/faults.ts', [
    {
      id: 'faults.preference-ignored',
      title: 'a fault strikes only calls',
      at: 'if («prefer !== undefined && !call?.preferences().includes(prefer)») return false;',
      by: 'false',
    },
    {
      id: 'faults.trap-stays-armed',
      title: 'a trap is armed',
      at: 'clear() {\n      «disarm(added)»;',
      by: 'undefined',
    },
  ]),
  ...noticedBy(scripts, 'src/grade/run-probe.ts', [
    {
      id: 'probes.fault-of-trap-unnoticed',
      title: 'a fault of a trap',
      at: 'serverFault ??= «error»;',
      by: 'undefined',
    },
    {
      id: 'probes.deadline-does-not-kill',
      title: 'P24 token-rejected-again',
      at: "return { killed: «first === 'deadline'», end: await command.kill() };",
      by: 'false',
    },
    {
      id: 'probes.warning-passes',
      title: 'P21 token-expires-soon',
      at: "(judged === 'pass' && «warning !== undefined»)",
      by: 'false',
    },
    {
      id: 'probes.without-control-run',
      title: 'the plan has the probes',
      at: 'if («missing.length > 0») return',
      by: 'false',
    },
  ]),
  ...noticedBy(scripts, 'src/grade/traps/wire.ts', [
    {
      id: 'probes.reached-before-delivery',
      title: 'P12 too-fast',
      at: 'if («isComplete») work();',
      by: 'false',
    },
  ]),
  ...noticedBy(scripts, 'src/grade/traps/members.ts', [
    {
      id: 'probes.open-and-closed-confused',
      title: 'P34 unknown-members-open',
      at: "«open.shift() === (where === 'open')» ?",
      by: "(open.shift(), where !== 'open')",
    },
  ]),
];
