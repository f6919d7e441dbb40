# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a report looks, light and dark, wide and narrow; and the few lines that move its sliders."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --bg:#f7f7f5; --card:#ffffff; --ink:#20262b; --dim:#68727b; --line:#e3e5e6; --soft:#eef0f0;
  --accent:#3b6ea8; --warn:#fff4dc; --warnline:#e5b94c; --heat:#3b6ea8;
  --day:#d9962a; --night:#5468c4; --translate:#249080; --fused:#a05596;
  --auto:#39434c;
  --preprocess:#b9c4cc; --inference:#6f93b8; --postprocess:#d3bf96; --light:#c05b6d }
@media (prefers-color-scheme:dark) { :root {
  --bg:#14171a; --card:#1c2024; --ink:#e4e8eb; --dim:#949fa8; --line:#2d3338; --soft:#252a2f;
  --accent:#7fb0e6; --warn:#33291a; --warnline:#a3782b; --heat:#5d97d6;
  --day:#e8b25c; --night:#8f9ff2; --translate:#52bfae; --fused:#d28cc8;
  --auto:#c3ccd4;
  --preprocess:#56626c; --inference:#6a93bd; --postprocess:#a08c62; --light:#e58a9b } }
* { box-sizing:border-box }
html { -webkit-text-size-adjust:100%; scroll-behavior:smooth }
body { margin:0; background:var(--bg); color:var(--ink);
  font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
  font-variant-numeric:tabular-nums }
main { max-width:1080px; margin:0 auto; padding:44px 24px 80px }
h1 { font-size:1.8rem; line-height:1.2; font-weight:650; letter-spacing:-.018em; margin:0;
  overflow-wrap:anywhere }
h2 { font-size:1.4rem; line-height:1.25; font-weight:640; letter-spacing:-.012em; margin:0;
  overflow-wrap:anywhere }
h3 { font-size:1.08rem; line-height:1.3; font-weight:640; margin:0 0 2px }
h4 { font-size:.87rem; font-weight:600; margin:0 0 4px }
p { margin:0 } a { color:var(--accent) }
.lead { color:var(--dim); margin-top:6px; max-width:46rem }
.note { color:var(--dim); font-size:.87rem; max-width:46rem; margin-bottom:12px }
.dim { color:var(--dim) }
.warn { background:var(--warn); border-left:3px solid var(--warnline); border-radius:4px;
  padding:9px 14px; margin-top:16px; overflow-wrap:anywhere }
section { margin-top:44px } h3 + :not(.note) { margin-top:10px }
section + article,article + article { margin-top:72px; padding-top:40px;
  border-top:1px solid var(--line) }
nav ol { margin:24px 0 0; padding-left:1.4em; columns:2 18rem; font-size:.93rem }
.panel { background:var(--card); border:1px solid var(--line); border-radius:10px;
  padding:16px 18px; margin-top:12px }
.cards { display:grid; grid-template-columns:repeat(4,1fr); gap:1px; margin:26px 0 0;
  background:var(--card); border:1px solid var(--line); border-radius:10px; overflow:hidden }
.cards div { padding:13px 18px 14px; box-shadow:0 0 0 1px var(--line) }
.cards dt { color:var(--dim); font-size:.8rem } .cards dd { margin:0 }
.cards dt + dd { font-size:1.42rem; line-height:1.3; font-weight:600; letter-spacing:-.01em }
.cards dd.dim { font-size:.8rem; line-height:1.4 }
.keys { display:flex; flex-wrap:wrap; gap:3px 16px; font-size:.8rem; color:var(--dim) }
.key { white-space:nowrap } .key i,td i.key { display:inline-block; width:.72em; height:.72em;
  border-radius:2px; margin-right:.45em; box-shadow:inset 0 0 0 1px #8883 }
.grid { display:grid; gap:22px 28px;
  grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr)) }
/* charts: the SVG stretches, words stay words */
.plot { margin:0; min-width:0 } .plot + .plot { margin-top:20px } .grid .plot + .plot { margin:0 }
.plot h4 span { font-weight:400; color:var(--dim) }
.frame { display:grid; grid-template-columns:2.9em minmax(0,1fr); font-size:.74rem;
  line-height:1; color:var(--dim) }
.area { position:relative; height:var(--h); border-bottom:1px solid var(--line) }
.area svg { position:absolute; inset:0; width:100%; height:100%; overflow:hidden }
.area svg * { vector-effect:non-scaling-stroke } .slim .area { border:0 }
.ys { position:relative } .ys span { position:absolute; right:.7em; transform:translateY(50%) }
.xs { grid-column:2; position:relative; height:1.9em }
.xs span { position:absolute; top:.6em; transform:translateX(-50%); white-space:nowrap }
.xs span.first { transform:none } .xs span.last { transform:translateX(-100%) }
.now { position:absolute; top:0; bottom:0; left:calc(var(--now)*100%); width:0; display:none;
  border-left:1px solid var(--ink); opacity:.55 }
[style*="--now"] .now { display:block }
.panel > .keys { margin-bottom:10px } .plot .keys { margin:0 0 8px 2.9em }
.tick { stroke:var(--line); fill:none } .mark { stroke:var(--dim); fill:none; stroke-dasharray:4 4 }
.spread .frame { grid-template-columns:5.6em minmax(0,1fr); align-items:end; margin-top:8px }
.spread .name { padding-bottom:5px; color:var(--ink); font-size:.8rem }
.spread .xs { height:1.7em } .spread .keys { margin-left:5.6em }
/* the strip */
.views { display:grid; gap:10px; grid-template-columns:repeat(var(--n),minmax(0,1fr)) }
.views figure { margin:0 } .views img { display:block; width:100%; border-radius:5px;
  background:var(--soft) }
.views figcaption { font-size:.78rem; color:var(--dim); margin-top:3px }
.facts { font-size:.87rem; margin-top:8px; display:flex; flex-wrap:wrap; gap:2px 18px }
.facts b { font-weight:600 }
.pill { display:inline-block; border-radius:9px; padding:0 8px; color:#fff; line-height:1.5;
  background:var(--auto) } .pill.day { background:#b97a12 } .pill.night { background:#4c5fbd }
.pill.translate { background:#1c7d70 } .pill.fused { background:#8a4581 }
.pill.auto { background:#4b5660 }
.slide { display:none; align-items:center; gap:10px; position:sticky; bottom:0; z-index:2;
  margin-top:6px; padding:8px 0; background:var(--bg) } .js .slide { display:flex }
.slide input { flex:1; min-width:0; height:34px; margin:0; accent-color:var(--accent) }
.slide button { font:inherit; font-size:1.2rem; line-height:1; width:38px; height:34px;
  border:1px solid var(--line); border-radius:7px; background:var(--card); color:var(--ink) }
.slide output { min-width:3.6em; text-align:right; font-size:.85rem; color:var(--dim) }
.js .shot[hidden] { display:none } html:not(.js) .shot + .shot { margin-top:26px }
.strip > .keys { margin-top:8px }
/* tables */
.scroll { overflow-x:auto; margin:0 -4px; padding:0 4px }
table { border-collapse:collapse; width:100%; font-size:.87rem }
th,td { text-align:right; font-weight:400; padding:5px 10px; border-bottom:1px solid var(--line);
  vertical-align:baseline } tr:last-child > td { border-bottom:0 }
th { color:var(--dim); font-size:.8rem; vertical-align:bottom } thead th { white-space:nowrap }
.l,th:first-child,td:first-child { text-align:left }
th:first-child,td:first-child { padding-left:0 }
th:last-child,td:last-child { padding-right:0 } td small { color:var(--dim); font-size:.75rem }
tr.sum td { font-weight:600; border-top:2px solid var(--line) }
.nw,.scroll td + td { white-space:nowrap }
table.words td { text-align:left; overflow-wrap:anywhere } table.words td:first-child {
  color:var(--dim); white-space:nowrap; width:11em; overflow-wrap:normal }
code { font:.8rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; overflow-wrap:anywhere }
td.dots { position:relative; width:34%; min-width:170px; padding:0;
  background:linear-gradient(var(--line),var(--line)) 0 0/1px 100% no-repeat,
  linear-gradient(var(--line),var(--line)) 50% 0/1px 100% no-repeat,
  linear-gradient(var(--line),var(--line)) 100% 0/1px 100% no-repeat }
.dots div { position:relative; height:var(--k); margin:5px 0 } .dots u,.dots b { position:absolute }
.dots u { height:3px; border-radius:2px; opacity:.38; margin-top:-1.5px }
.dots b { width:8px; height:8px; border-radius:50%; margin:-4px 0 0 -4px }
td.dots { vertical-align:middle } td small { display:block; line-height:1.1; margin-top:1px }
tr:has(+ tr > td:first-child:empty) > td { border-bottom-color:transparent; padding-bottom:2px }
td:first-child:empty, td:first-child:empty ~ td { padding-top:2px }
th.scale { padding:5px 0 } th.scale div { display:flex; justify-content:space-between }
.bar { position:relative; height:8px; border-radius:4px; background:var(--soft); min-width:90px }
.bar i { position:absolute; inset:0 auto 0 0; border-radius:4px; background:var(--accent) }
td.bars { width:50%; vertical-align:middle }
table.matrix { width:auto; font-size:.7rem; line-height:1 } .matrix th,.matrix td { padding:0;
  border:0; font-size:.74rem } .matrix td { width:37px; min-width:37px; height:27px;
  text-align:center; vertical-align:middle; border:1px solid var(--card);
  background:color-mix(in srgb,var(--heat) calc(var(--v)*100%),var(--soft)) }
.matrix td.deep { color:#fff } .matrix tr > th { text-align:right; padding-right:8px;
  white-space:nowrap; vertical-align:middle; position:sticky; left:0; background:var(--card);
  z-index:1 } .matrix thead th { writing-mode:vertical-rl; transform:rotate(180deg);
  text-align:left; padding:6px 0 0; height:8.2em; position:static } .matrix td:first-child {
  padding:0 } .matrix .own { box-shadow:inset 0 0 0 1px var(--dim) }
details { margin-top:12px } summary { cursor:pointer; font-size:.9rem; color:var(--accent) }
@media (max-width:640px) {
  main { padding:26px 14px 56px } h1 { font-size:1.45rem } section { margin-top:36px }
  .cards { grid-template-columns:1fr 1fr; margin-top:20px } .cards div { padding:10px 12px 11px }
  .cards dt + dd { font-size:1.2rem } .views { grid-template-columns:1fr 1fr; gap:7px 6px }
  .panel { padding:13px 12px } .wide { display:none } th,td { padding:5px 6px }
  table.words td:first-child { width:7em; white-space:normal }
  .matrix td { width:24px; min-width:24px; height:22px } .slide input { height:44px }
  .slide button { width:44px; height:44px } .slide output { min-width:4em }
  .spread .frame { grid-template-columns:4.8em minmax(0,1fr) }
  .spread .keys { margin-left:0 } }
@media print { .slide { display:none !important } }
"""

# Every strip has its own slider; #ID=N in the address moves the slider of strip ID to frame N.
SCRIPT = """
document.documentElement.classList.add('js');
const places = new URLSearchParams(location.hash.slice(1));
for (const strip of document.querySelectorAll('.strip')) {
  const shots = [...strip.querySelectorAll('.shot')], slider = strip.querySelector('input');
  const scope = strip.closest('article') || strip, said = strip.querySelector('output');
  const show = () => {
    const shot = shots[slider.value];
    shots.forEach((other) => { other.hidden = other !== shot; });
    said.textContent = shot.dataset.name;
    slider.setAttribute('aria-valuetext', shot.dataset.name);
    if (shot.dataset.at) scope.style.setProperty('--now', shot.dataset.at);
  };
  const move = (steps) => { slider.value = Number(slider.value) + steps; show(); };
  const [back, on] = strip.querySelectorAll('button');
  back.addEventListener('click', () => move(-1));
  on.addEventListener('click', () => move(1));
  slider.addEventListener('input', show);
  if (places.has(strip.id)) slider.value = places.get(strip.id);
  show();
}
"""
