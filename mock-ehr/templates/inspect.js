"use strict";
(() => {
  const live = document.getElementById("live");
  const say = (on, text) => { live.classList.toggle("on", on); live.textContent = text; };
  let asked = false, busy = false;
  const refresh = async () => {
    if (busy) { asked = true; return; }
    busy = true;
    do {
      asked = false;
      try {
        const answer = await fetch(location.href, { cache: "no-store" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("timelines"), old = document.getElementById("timelines");
        if (fresh) {
          for (const open of old.querySelectorAll("details[open]")) {
            const same = fresh.querySelector("#" + CSS.escape(open.id));
            if (same) same.open = true;
          }
          const within = old.contains(document.activeElement) ? document.activeElement.closest("details") : null;
          old.replaceChildren(...fresh.childNodes);
          if (within) document.getElementById(within.id)?.querySelector("summary")?.focus({ preventScroll: true });
        }
      } catch { say(false, "the server does not answer"); }
      await new Promise((done) => setTimeout(done, 400));
    } while (asked);
    busy = false;
  };
  const reveal = () => {
    const linked = document.getElementById(location.hash.slice(1));
    if (linked instanceof HTMLDetailsElement) { linked.open = true; linked.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();
  const events = new EventSource("/inspect/events");
  let lost = false;
  events.onopen = () => { say(true, "live"); if (lost) refresh(); lost = false; };
  events.onerror = () => { lost = true; say(false, "the server does not answer; trying again"); };
  events.addEventListener("change", refresh);
})();
