/** The style sheet of the report: light, dark, phone and print. Filters are selectors on check boxes, without a script. */
import { PALETTE } from '../../html/appearance.ts';
import { standings } from '../view.ts';

/** Lanes of the flow: three kinds of callers, and five servers of each of two account servicing entities. */
export const MAX_LANES = 13;

const lanes = Array.from({ length: MAX_LANES }, (_, index) => index + 1);

/** A verdict is shown if its box is checked or a link leads to it, and an area if it contains such a verdict. */
const filtersFor = (areas: readonly string[]): string =>
  [
    '#requirements .verdict:not(:has(:target)),#requirements .area:not(:has(:target)){display:none}',
    ...standings.map(
      (name) =>
        `#requirements:has(#show-${name}:checked) :is(.verdict.${name},.area:has(.verdict.${name})){display:block}`,
    ),
    ...areas.map(
      (area) => `#requirements:has(#only-${area}:checked) .area:not(#${area}):not(:has(:target)){display:none}`,
    ),
  ].join('\n');

const positions = lanes
  .map((lane) => `.lanes-${lane}{--lanes:${lane}}.from-${lane}{--from:${lane}}.to-${lane}{--to:${lane}}`)
  .join('\n');

const BEFORE_FILTERS = `${PALETTE}
:root{--good:#17663a;--good-tint:#e5f4ea;--warn:#7a4a00;--warn-tint:#fdf2dc;--info:#2f527d;--info-tint:#e8f0fa;
--quiet-tint:#eceff2;--code:#f4f6f8;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media(prefers-color-scheme:dark){:root{--good:#86d9a7;--good-tint:#14301f;--warn:#f2c574;--warn-tint:#35290f;
--info:#a3c7f2;--info-tint:#182a40;--quiet-tint:#24303b;--code:#111920}}
*{box-sizing:border-box}
html{scroll-padding-top:4rem}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:2rem;padding-bottom:.5rem}
header p{margin:0}
.brand{display:flex;align-items:center;gap:.6rem;color:var(--soft);font-weight:600}
.brand::before{content:"";width:1.4rem;height:1.4rem;border-radius:.4rem;
background:linear-gradient(135deg,var(--accent) 50%,
var(--edge) 50%)}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.02em;margin:.75rem 0 .5rem;text-wrap:balance}
h2{font-size:1.35rem;letter-spacing:-.01em;margin:0 0 .75rem}
h3{font-size:1.05rem;margin:0}
.body h3{font-size:.95rem;margin:1.25rem 0 .4rem}
p{margin:0 0 .75rem}
ul{margin:.25rem 0;padding-left:1.2rem}
a{color:var(--accent)}
.soft{color:var(--soft)}
code,pre{font-family:var(--mono);font-size:.86em}
code{background:var(--code);border-radius:.3rem;padding:.05em .3em}
pre{background:var(--code);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .85rem;margin:.3rem 0;
white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45}
pre code{background:none;padding:0;font-size:1em}
mark{background:var(--bad);color:var(--paper);border-radius:.15rem;padding:0 .05em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:.3rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:3}
nav{position:sticky;top:0;z-index:2;background:var(--ground);border-bottom:1px solid var(--line);margin-bottom:1.5rem}
nav ul{max-width:76rem;margin:0 auto;padding:0 1.5rem;list-style:none;display:flex;gap:.25rem 1.5rem;flex-wrap:wrap}
nav a{display:block;padding:.7rem 0;text-decoration:none;font-weight:600}
nav a:hover{text-decoration:underline}
section{background:var(--paper);border:1px solid var(--line);border-radius:1rem;padding:1.5rem;margin:0 0 1.5rem}
.pill{display:inline-block;border-radius:1rem;padding:.05rem .65rem;font-size:.8rem;font-weight:650;
white-space:nowrap;
background:var(--quiet-tint);color:var(--soft)}
.pill.fail,.pill.failed,.pill.broken{background:var(--bad-tint);color:var(--bad)}
.pill.warning{background:var(--warn-tint);color:var(--warn)}
.pill.note,.pill.expected{background:var(--info-tint);color:var(--info)}
.pill.pass,.pill.passed{background:var(--good-tint);color:var(--good)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.4rem,1fr));gap:.6rem;margin:1.25rem 0;padding:0;
list-style:none}
.tiles li{border:1px solid var(--line);border-radius:.75rem;padding:.75rem 1rem;min-width:0}
.tiles b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tiles small{color:var(--soft);font-size:.85rem;display:block}
.tiles .fail b{color:var(--bad)}
.tiles .warning b{color:var(--warn)}
.tiles .note b{color:var(--info)}
.tiles .pass b{color:var(--good)}
.tiles meter{width:100%;height:.7rem;margin-top:.3rem}
.facts+p{margin-top:1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.25rem 2rem;margin:0}
.facts div,.pairs div{display:grid;grid-template-columns:8rem 1fr;gap:.1rem 1rem;padding:.35rem 0;
border-top:1px solid var(--line)}
.facts .wide{grid-column:1/-1}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
dl{margin:0}
fieldset{border:0;margin:0 0 .75rem;padding:0;display:flex;flex-wrap:wrap;gap:.4rem}
legend{float:left;font-weight:600;min-width:4rem;padding:.3rem .5rem .3rem 0}
fieldset label{display:inline-flex;align-items:center;gap:.4rem;border:1px solid var(--edge);border-radius:1rem;
padding:.2rem .75rem .2rem .55rem;font-size:.9rem;cursor:pointer}
fieldset label:has(:checked){background:var(--tint);border-color:var(--accent)}
fieldset label:has(:focus-visible){outline:3px solid var(--accent);outline-offset:2px}
input{accent-color:var(--accent);margin:0}
.area{margin-top:1.5rem}
.area>header{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline;padding:0 0 .4rem;max-width:none;
border-bottom:2px solid var(--line)}
details{border-bottom:1px solid var(--line)}
summary{cursor:pointer;padding:.6rem .25rem;display:flex;flex-wrap:wrap;gap:.15rem .75rem;align-items:baseline;
list-style:none}
summary::-webkit-details-marker{display:none}
summary::before{content:"";width:.45rem;height:.45rem;border-right:2px solid var(--edge);
border-bottom:2px solid var(--edge);
transform:rotate(-45deg);flex:none;align-self:center}
details[open]>summary::before{transform:rotate(45deg)}
summary:hover{background:var(--tint)}
summary .name{font-weight:600;flex:1 1 14rem;min-width:0}
summary .id{font-family:var(--mono);font-size:.85rem;color:var(--soft);min-width:6.2rem}
.body{padding:.25rem .25rem 1.25rem 1.35rem;scroll-margin-top:7rem}
.fix{background:var(--good-tint);border-radius:.5rem;padding:.6rem .85rem;margin:.75rem 0}
.fix b{color:var(--good)}
.case{border-left:3px solid var(--edge);padding:.1rem 0 .1rem .9rem;margin:.75rem 0}
.case p{margin:0 0 .25rem}
.values{display:grid;grid-template-columns:6rem minmax(0,1fr);gap:.1rem .75rem;align-items:center}
.values pre{margin:.15rem 0;padding:.35rem .6rem}
.probes{width:100%;border-collapse:collapse}
.probes th{text-align:left;color:var(--soft);font-weight:600;font-size:.9rem}
.probes th,.probes td{padding:.55rem .75rem .55rem 0;border-top:1px solid var(--line);vertical-align:top}
.probes thead th{border-top:0}
.probes tbody th{color:inherit}
.probes .name{font-weight:600}
.flow{overflow-x:auto;border:1px solid var(--line);border-radius:.75rem}
.flow ol{list-style:none;margin:0;padding:0 .75rem;min-width:58rem}
.flow li,.actors{display:grid;grid-template-columns:5.5rem minmax(0,1fr);align-items:stretch}
.actors{min-width:58rem;padding:.6rem .75rem;background:var(--tint);font-size:.85rem;font-weight:650}
.actors div{display:grid;grid-template-columns:repeat(var(--lanes),1fr);text-align:center}
.actors small{display:block;font-weight:400;color:var(--soft)}
.flow .when{padding:.75rem .5rem 0 0;font-size:.8rem;color:var(--soft);font-variant-numeric:tabular-nums}
.flow .when a{font-weight:650}
.track{--lane:calc(100%/var(--lanes));position:relative;height:4rem;
background:repeating-linear-gradient(to right,transparent 0
calc(var(--lane)/2 - .5px),var(--line) calc(var(--lane)/2 - .5px) calc(var(--lane)/2 + .5px),
transparent calc(var(--lane)/2 +
.5px) var(--lane))}
.call,.reply{position:absolute;left:calc((var(--from) - .5)*var(--lane));
width:calc((var(--to) - var(--from))*var(--lane))}
.call{top:1.95rem;border-top:2px solid var(--accent)}
.reply{top:2.85rem;border-top:2px dashed var(--edge)}
.call::after,.reply::after{content:"";position:absolute;top:-6px;border:5px solid transparent}
.call::after{right:-1px;border-left:8px solid var(--accent);border-right:0}
.reply::after{left:-1px;border-right:8px solid var(--edge);border-left:0}
.says,.status{position:absolute;font-size:.85rem;white-space:nowrap;background:var(--paper);padding:0 .35rem}
.says{top:.45rem;left:calc((var(--from) - .5)*var(--lane) + .35rem);
max-width:calc(100% - (var(--from) - .5)*var(--lane) - .5rem);
overflow:hidden;text-overflow:ellipsis;font-family:var(--mono);font-size:.8rem}
.status{top:2.2rem;left:calc((var(--to) - .5)*var(--lane) + .6rem);font-weight:650;font-variant-numeric:tabular-nums}
.refused .status{color:var(--bad)}
.refused .reply{border-top-color:var(--bad)}
.refused .reply::after{border-right-color:var(--bad)}
.failure,.failure .says,.failure .status{background:var(--bad-tint)}
.caution,.caution .says,.caution .status{background:var(--warn-tint)}
.failure .when,.caution .when{color:var(--ink)}
.lost .reply{display:none}
.messages,.bases{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 1.25rem}
.messages>*,.bases>*{min-width:0}
.mistakes li{margin:.25rem 0}
.base span{display:block;border-left:3px solid transparent;padding-left:.5rem;margin-left:-.6rem}
.base .other{border-left-color:var(--bad);background:var(--bad-tint)}
footer{color:var(--soft);font-size:.9rem;padding-bottom:3rem}
@supports selector(:has(a)){
`;

const AFTER_FILTERS = `
}
${positions}
@media(max-width:40rem){header,main,footer,nav ul{padding-left:1rem;padding-right:1rem}
h1{font-size:1.55rem}
section{padding:1.1rem 1rem;border-radius:.75rem}
nav ul{gap:0 .9rem;font-size:.9rem}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.facts{grid-template-columns:minmax(0,1fr)}
.facts div,.pairs div,.values{grid-template-columns:minmax(0,1fr)}
.body{padding-left:.25rem}
summary .name{flex-basis:100%;order:9}
summary .id{min-width:0}
.flow ol{min-width:0}
.flow li{padding:.5rem 0;border-top:1px solid var(--line)}
.flow li:first-child{border-top:0}
.flow .when{padding-top:0}
.flow li{grid-template-columns:5rem 1fr}
.actors,.call,.reply{display:none}
.track{height:auto;background:none}
.track>span{position:static;width:auto;height:auto;clip-path:none;white-space:normal;display:block;padding:0;
max-width:none}
.track .hidden{font-size:.8rem;color:var(--soft)}
.track .call,.track .reply{display:none}
.probes thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.probes,.probes tbody,.probes tr,.probes td,.probes th{display:block}
.probes tr{border-top:1px solid var(--line);padding:.5rem 0}
.probes td,.probes tbody th{border:0;padding:.15rem 0}}
@media print{nav,fieldset,.skip{display:none}body{background:none}section{border:0;padding:0}
details{break-inside:avoid}}
`;

/** The style sheet for a page with these areas. */
export const styleFor = (areas: readonly string[]): string => BEFORE_FILTERS + filtersFor(areas) + AFTER_FILTERS;
