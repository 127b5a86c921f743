/** The style sheet of the inspector: that of the report, with forms, tables and lists of links. */
import { styleFor } from '../report/html/style.ts';

export const STYLE = `${styleFor([])}
html{scroll-padding-top:1rem}
body{min-height:100vh}
header .brand{flex-wrap:wrap}
header .state{margin-left:auto;font-weight:400;font-size:.9rem;display:flex;flex-wrap:wrap;gap:.25rem 1rem;
align-items:center}
nav{position:static;margin-bottom:1.25rem}
nav a[aria-current]{color:var(--ink);box-shadow:inset 0 -3px var(--accent)}
main>h1{margin:0 0 1rem;font-size:1.7rem}
main:focus{outline:0}
h3+p,h3+table,h3+form{margin-top:.4rem}
section h3{margin-top:1.25rem}
table{width:100%;border-collapse:collapse;font-size:.95rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:.85rem}
tbody th{font-weight:500}
thead th,td{overflow-wrap:break-word}
td.text{overflow-wrap:anywhere}
.facts{grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
td form{display:inline-flex;margin:0}
form.fields{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:start;margin:.75rem 0 0}
section>form.fields:first-child{margin-top:0}
form.fields .field:not(:has(label)){padding-top:1.55rem}
form.fields>p{flex-basis:100%;margin:0}
.field{display:grid;gap:.2rem;min-width:0;flex:0 1 auto}
.field.wide{flex:1 1 22rem}
.field label,.field .label{font-weight:600;font-size:.9rem}
input:not([type=checkbox]):not([type=radio]),select,textarea{font:inherit;color:inherit;background:var(--paper);
border:1px solid var(--edge);border-radius:.5rem;padding:.45rem .6rem;max-width:100%;width:100%}
input:not([type=checkbox]):not([type=radio]),select{height:2.5rem}
.field .soft{font-size:.9rem}
textarea{font-family:var(--mono);font-size:.86em;min-height:6rem}
button{font:inherit;font-weight:600;border-radius:.5rem;padding:.45rem .9rem;min-height:2.5rem;cursor:pointer;
border:1px solid var(--edge);background:transparent;color:var(--ink)}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button.danger{color:var(--bad);border-color:var(--bad)}
td button,.state button{min-height:1.9rem;padding:.15rem .6rem;font-size:.9rem}
button:hover{filter:brightness(1.08)}
.notice{background:var(--good-tint);color:var(--good);border-radius:.6rem;padding:.6rem .9rem;margin:0 0 1rem;
font-weight:600}
.alert{background:var(--bad-tint);color:var(--bad);border-radius:.6rem;padding:.6rem .9rem;margin:0 0 1rem;
font-weight:600}
.alert a{color:inherit}
.pages{display:flex;gap:1rem;margin:.75rem 0 0}
.mono{font-family:var(--mono);font-size:.86em}
.says .soft{font-family:inherit}
.narrow{max-width:40rem}
.actors{font-size:.78rem}
.flow ol,.actors{min-width:66rem;padding-right:4.5rem}
.steps{padding-left:1.4rem}
.steps li{margin:.3rem 0}
.gap{margin-top:1rem}
@media(max-width:40rem){
header .state{margin-left:0;flex-basis:100%;gap:.25rem .5rem}
.state,.state button{font-size:.85rem}
.state button{padding:.1rem .45rem}
main>h1{font-size:1.4rem}
nav ul{flex-wrap:wrap}
nav a{padding:.35rem 0}
table.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.cards,table.cards tbody,table.cards tr,table.cards td,table.cards th{display:block}
table.cards tr{border-top:1px solid var(--line);padding:.5rem 0}
table.cards td,table.cards tbody th{border:0;padding:.1rem 0;text-align:left}
table.cards td[data-label]::before{content:attr(data-label) " ";color:var(--soft);font-size:.85rem}
table.cards td:empty{display:none}
.field,.field.wide{flex:1 1 100%}
form.fields .field:not(:has(label)){padding-top:0}
form.fields .field button{width:100%}
section[aria-label=Filter] .field{flex:1 1 40%}
.flow ol,.actors{min-width:0;padding-right:.75rem}}
`;
