/* Copyright 2026 the nightseg_ros authors
   SPDX-License-Identifier: Apache-2.0 */
/* Every strip has its own slider; #ID=N in the address moves the slider of strip ID to
   frame N. */
document.documentElement.classList.add('js');
const places = new URLSearchParams(location.hash.slice(1));
for (const strip of document.querySelectorAll('.strip')) {
  const shots = [...strip.querySelectorAll('.shot')], slider = strip.querySelector('input');
  const scope = strip.closest('article') || strip, label = strip.querySelector('output');
  const show = () => {
    const shot = shots[slider.value];
    shots.forEach((other) => { other.hidden = other !== shot; });
    label.textContent = shot.dataset.name;
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
