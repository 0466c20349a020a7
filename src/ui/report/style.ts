/** The style of the run report: system fonts, a light and a dark palette, and no meaning by color alone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfc; --card: #ffffff; --ink: #1b1f24; --faint: #59616c; --rule: #dfe3e8;
  --work: #2d67ae; --look: #6389bd; --wait: #7a828d; --still: #7a828d;
  --good: #17703a; --bad: #b3261e; --stopped: #8a5300; --link: #20579b; --code: #f1f3f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --card: #1b1f25; --ink: #e7eaee; --faint: #a3acb8; --rule: #333a44;
    --work: #5b9bea; --look: #4d7ab5; --wait: #8a93a0; --still: #7d8692;
    --good: #63c98a; --bad: #ff8a80; --stopped: #f0b45b; --link: #8cbcff; --code: #23282f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
}
main, footer { max-width: 76rem; margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2rem); }
footer { padding-top: 0; color: var(--faint); font-size: 0.85rem; }
h1 { margin: 0.25rem 0; font-size: 1.75rem; line-height: 1.25; }
h2 { margin: 2.25rem 0 0.25rem; font-size: 1.2rem; }
h3 { margin: 1rem 0 0.25rem; font-size: 1rem; }
h4 { margin: 0.9rem 0 0.3rem; font-size: 0.9rem; }
p, dl, dd, ol, ul { margin: 0; padding: 0; }
ol, ul { list-style: none; }
a { color: var(--link); }
code, pre, .at, .duration, .came, .typed { font-family: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
code, pre { font-size: 0.85rem; }
pre {
  margin: 0.25rem 0 0; padding: 0.5rem 0.65rem; max-height: 16rem; overflow: auto; background: var(--code); border-radius: 4px;
  white-space: pre-wrap;
}
summary { cursor: pointer; }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; border-radius: 3px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.aside, .reason, .none, .claim, .meta, .times dt { color: var(--faint); }
.label { margin-top: 0.6rem; color: var(--faint); font-size: 0.85rem; }

/* How it ended */
.typed { color: var(--faint); }
.good .sign { color: var(--good); } .bad .sign { color: var(--bad); } .stopped .sign { color: var(--stopped); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.tiles > div { padding: 0.7rem 0.9rem; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; }
.tiles dt, .tiles .more { color: var(--faint); font-size: 0.85rem; }
.tiles .value { font-size: 1.4rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.path ol, .path ul { display: flex; flex-wrap: wrap; gap: 0 0.5rem; }
.path li { min-width: 0; }
.path ol > li:not(:last-child)::after { content: " →"; color: var(--faint); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0.15rem 1.5rem; margin-top: 1rem; }
.facts > div { display: flex; gap: 0.6rem; min-width: 0; }
.facts dt { flex: none; width: 5.5rem; color: var(--faint); }
.facts dd { min-width: 0; }
.warning, .hint { margin-top: 0.5rem; }
.warning strong { color: var(--stopped); }
.failure { margin-top: 0.5rem; padding: 0.6rem 0.9rem 0.8rem; background: var(--card); border: 1px solid var(--rule); border-left: 5px solid var(--bad); border-radius: 4px; }
.failure .message { font-weight: 600; }
.failure ul { margin: 0.3rem 0 0 1.2rem; list-style: disc; }
.failure .reason { margin-top: 0.5rem; font-size: 0.85rem; }

/* Timeline */
.legend { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: 0.4rem 0; font-size: 0.85rem; color: var(--faint); }
.legend li { display: flex; align-items: center; gap: 0.35rem; }
.legend svg.bar { flex: none; width: 28px; }
.chart { border: 1px solid var(--rule); border-radius: 6px; background: var(--card); }
.chart h3 { margin: 0; padding: 0.6rem 0.75rem 0.2rem; border-top: 1px solid var(--rule); }
.axis, .step > summary {
  display: grid; grid-template-columns: minmax(10rem, 17rem) minmax(0, 1fr) 9.5rem; gap: 0 0.9rem; align-items: center; padding: 0 0.75rem;
}
.axis { padding-top: 0.35rem; font-size: 0.8rem; color: var(--faint); }
.axis svg { width: 100%; overflow: visible; fill: var(--faint); font-variant-numeric: tabular-nums; }
.step { border-top: 1px solid var(--rule); }
.step > summary { list-style: none; min-height: 2rem; padding-block: 0.2rem; line-height: 1.35; }
.step > summary::-webkit-details-marker { display: none; }
.step > summary:hover { background: var(--code); }
.name { display: flex; gap: 0.35rem; min-width: 0; }
.name::before { content: "▸"; flex: none; width: 0.8em; color: var(--faint); }
.step[open] .name::before { content: "▾"; }
.title { min-width: 0; }
.critical .title { font-weight: 650; }
.diamond { flex: none; }
.came { font-size: 0.85rem; color: var(--faint); text-align: right; }
.changed .came { color: var(--ink); }
.failed .came { color: var(--bad); font-weight: 600; }
.interrupted .came { color: var(--stopped); font-weight: 600; }
svg.bar { display: block; width: 100%; overflow: visible; }
.grid { stroke: var(--rule); }
/* The stroke keeps a moment visible on a scale of minutes. */
.work { fill: var(--work); stroke: var(--work); stroke-width: 1.5px; }
.look { fill: var(--look); stroke: var(--look); stroke-width: 1.5px; }
.queue, .turn { fill: url(#hatch); stroke: var(--wait); stroke-width: 1px; }
.hatch-ground { fill: var(--card); } .hatch-line { fill: var(--wait); }
.ready .look { fill: var(--still); stroke: var(--still); }
.failed .work, .failed .look { fill: var(--bad); stroke: var(--bad); }
.interrupted .work, .interrupted .look { fill: var(--stopped); stroke: var(--stopped); }
.mark { fill: var(--ink); stroke: var(--ink); stroke-width: 1.5px; }
.inside { padding: 0.25rem 0.75rem 0.9rem 1.9rem; border-top: 1px dashed var(--rule); scroll-margin-top: 3rem; }
.times { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 1rem; margin-top: 0.5rem; font-size: 0.9rem; }
.need:not(:last-child)::after { content: ","; }
.sayings { font-size: 0.9rem; }
.sayings li { display: flex; gap: 0.75rem; }
.at { flex: none; min-width: 4.5em; font-size: 0.85rem; color: var(--faint); }
.commands > li { margin-top: 0.6rem; }
.meta { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: 0.85rem; }
.write .effect { color: var(--ink); font-weight: 600; }
.ill { color: var(--stopped); }
.whole { margin-top: 0.2rem; font-size: 0.85rem; color: var(--faint); }
.whole pre { color: var(--ink); }
.stderr { border-left: 3px solid var(--stopped); }

/* Checks */
table { width: 100%; margin-top: 0.5rem; border-collapse: collapse; background: var(--card); border: 1px solid var(--rule); }
th, td { padding: 0.45rem 0.75rem; text-align: left; vertical-align: top; border-top: 1px solid var(--rule); }
thead th { color: var(--faint); font-weight: 500; font-size: 0.85rem; }
.verdict { white-space: nowrap; font-weight: 600; }
.pass .verdict { color: var(--good); } .fail .verdict { color: var(--bad); }
.check { width: 34%; }
.claim { font-weight: 400; font-size: 0.9rem; }
.evidence > p { min-width: 0; }
.evidence > details { font-size: 0.85rem; color: var(--faint); }
td.duration { white-space: nowrap; text-align: right; font-size: 0.85rem; }
thead th:last-child { text-align: right; }

@media (max-width: 44rem) {
  .axis, .step > summary { grid-template-columns: minmax(0, 1fr) auto; padding: 0.25rem 0.6rem; }
  .axis > span { display: none; }
  .axis svg, .step svg.bar { grid-column: 1 / -1; grid-row: 2; }
  .inside { padding-left: 0.9rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; border-top: 1px solid var(--rule); }
  th, td { border: 0; padding: 0.3rem 0.6rem; }
  .check { width: auto; }
  .evidence { grid-column: 1 / -1; grid-row: 2; }
}
@media print {
  .step, tr { break-inside: avoid; }
}
`;
