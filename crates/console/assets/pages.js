// Counts down, keeps the live parts of a page up to date, and sends joins without loading the page anew.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (query) => document.querySelectorAll(query);
  const part = (id) => document.getElementById(id);

  // The rules' clock: what the server said, going on at the speed that two answers show.
  let said = Number(root.dataset.now), heard = performance.now(), speed = 1;
  const now = () => said + (performance.now() - heard) * speed;
  const hear = (ms) => {
    const passed = performance.now() - heard;
    const found = (ms - said) / passed;
    if (passed > 1000 && found >= 0) speed = Math.abs(found - 1) < 0.2 ? 1 : found;
    said = ms;
    heard = performance.now();
  };

  let isOver = false;
  const tick = () => {
    for (const one of all("[data-until]")) {
      const seconds = Math.max(0, Math.ceil((Number(one.dataset.until) - now()) / 1000));
      const text = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
      if (one.textContent !== text) one.textContent = text;
      if (seconds === 0 && !isOver) {
        isOver = true;
        setTimeout(refresh, 400);
      }
    }
  };

  // Live parts are replaced when the server's text for them has changed, so that typing and focus stay.
  const served = new Map();
  for (const one of all("[data-live]")) served.set(one.id, one.outerHTML);
  let isAsking = false;
  async function refresh() {
    if (isAsking || document.hidden) return;
    isAsking = true;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(12000), cache: "no-store" });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      hear(Number(fresh.documentElement.dataset.now));
      for (const one of all("[data-live]")) {
        const other = fresh.getElementById(one.id);
        if (!other || served.get(one.id) === other.outerHTML) continue;
        served.set(one.id, other.outerHTML);
        one.replaceWith(document.importNode(other, true));
      }
      part("offline").hidden = true;
      isOver = false;
    } catch {
      part("offline").hidden = false;
    } finally {
      isAsking = false;
    }
  }
  if (root.dataset.refresh) {
    setInterval(tick, 250);
    setInterval(refresh, Number(root.dataset.refresh) * 1000);
    document.addEventListener("visibilitychange", refresh);
  }

  // Joining: the API's own route; the same id again after 429 or silence never makes a second entry.
  const form = part("join");
  const say = (text, isGood) => {
    part("said").textContent = text;
    part("said").className = isGood ? "good" : "bad";
  };
  const entryId = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
  const send = (body, signal) =>
    fetch("/api/sim/entries", { method: "POST", headers: { "content-type": "application/json" }, body, signal });

  async function join() {
    const data = new FormData(form);
    const start = Number(data.get("start"));
    const [direction, stake] = data.get("bet").split("-");
    const market = form.dataset.market;
    const roundId = market + "-" + start / 1000 + "-5m";
    const wallet = data.get("wallet").trim();
    const body = JSON.stringify({
      id: entryId(), roundId, market, feedId: form.dataset.feed, roundStartMs: start, roundEndMs: start + 360000,
      wallet, direction, stakeBucks: Number(stake), joinedAtMs: Math.round(now()),
    });
    const signal = AbortSignal.timeout(20000);
    let answer = await send(body, signal);
    if (answer.status === 429) {
      await pause(Math.min(1000, Math.max(150, Number(answer.headers.get("retry-after")) * 1000)));
      answer = await send(body, signal);
    }
    const told = await answer.json();
    if (!answer.ok) return say("Not joined: " + told.error + ".", false);
    say("You are in " + roundId + ": " + direction + " " + stake + " PB.", true);
    part("whose").value = wallet;
    const here = new URL(location.href);
    here.searchParams.set("wallet", wallet);
    here.searchParams.delete("joined");
    history.replaceState(null, "", here);
    await refresh();
  }
  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      say("Joining\u2026", true);
      join()
        .catch(() => say("No answer. Look at your results before you try again.", false))
        .finally(() => { button.disabled = false; });
    });
  }
})();
