"""How pages look."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1d2329; --quiet: #5b6670; --line: #d8dee4; --soft: #f3f5f7; --fill: #2b6cb0;
  --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #b0568f; --s4: #8a7300; --s5: #56b4e9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181c; --text: #e4e9ee; --quiet: #9aa6b2; --line: #343d46; --soft: #1d2329; --fill: #3f83c9;
    --s0: #56b4e9; --s1: #f28e4b; --s2: #2cc39a; --s3: #dd8fc0; --s4: #e5d13d; --s5: #8ab4d8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 0.6rem; border-bottom: 1px solid var(--line); padding-bottom: 0.2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 0.4rem; }
p { max-width: 48rem; margin: 0.5rem 0; }
.lead, .note, figcaption, footer { color: var(--quiet); }
.note, figcaption { font-size: 0.9rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; font-size: 0.9rem; margin: 0.8rem 0; }
a { color: var(--fill); }
.tiles { display: flex; flex-wrap: wrap; gap: 0.7rem; margin: 0.8rem 0; }
.tile { background: var(--soft); border-radius: 0.5rem; padding: 0.6rem 1rem; min-width: 8.5rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: 0.9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; margin: 0.5rem 0; }
caption { text-align: left; color: var(--quiet); padding-bottom: 0.3rem; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom-width: 2px; vertical-align: bottom; }
tr.total td { font-weight: 600; }
td.short:not(:first-child) { white-space: nowrap; }
.facts th { text-align: left; font-weight: 500; color: var(--quiet); white-space: nowrap; }
.facts td { text-align: left; overflow-wrap: anywhere; }
td.bar { min-width: 5rem; --bar: color-mix(in srgb, var(--fill) 26%, transparent); }
td.bar { background: linear-gradient(90deg, var(--bar) var(--share), transparent var(--share)); }
td.cell { text-align: center; background: color-mix(in srgb, var(--fill) var(--share), transparent); }
td.cell small { display: block; opacity: 0.8; }
td.full { color: #ffffff; }
.notice { border-left: 4px solid var(--s1); background: var(--soft); padding: 0.5rem 0.9rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0.5rem 0; }
figure img { width: 100%; height: auto; display: block; border-radius: 0.3rem; background: #ffffff; }
figure.whole { max-width: 62rem; }
svg { width: 100%; max-width: 36rem; height: auto; display: block; }
svg text { fill: var(--text); font-size: 12px; }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .curve { fill: none; stroke-width: 2; }
svg .even { stroke: var(--quiet); stroke-dasharray: 4 4; fill: none; }
.key { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; font-size: 0.9rem; }
.key { list-style: none; padding: 0; margin: 0.2rem 0; }
.key li { overflow-wrap: anywhere; }
.key svg { display: inline-block; width: 1.8rem; height: 0.7rem; margin-right: 0.4rem; vertical-align: middle; }
footer { margin-top: 3rem; font-size: 0.85rem; border-top: 1px solid var(--line); padding-top: 0.6rem; }
@media (max-width: 30rem) {
  body { padding: 0.6rem; }
  th, td { padding: 0.25rem 0.4rem; }
  .facts th { white-space: normal; }
  .tile { flex: 1 1 40%; min-width: 0; padding: 0.5rem 0.7rem; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --text: #000000; --quiet: #444444; --line: #bbbbbb; --soft: #f3f5f7; --fill: #2b6cb0;
    --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #b0568f; --s4: #8a7300; --s5: #56b4e9;
  }
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav { display: none; }
  .scroll { overflow: visible; }
  .grid { grid-template-columns: 1fr 1fr; }
  figure, tr, .tile, .notice { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  figure.whole img { max-height: 200mm; width: auto; max-width: 100%; }
}
"""
