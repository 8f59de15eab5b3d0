// Baton — where people write: what is typed is saved while it is typed. Without this script the form has a button for it.
(() => {
  "use strict";
  const $ = (s, root = document) => root.querySelector(s);
  const composer = () => $(".composer[data-draft]");
  const typing = new WeakMap();
  const kindOf = (form) => $("[name=kind]:checked", form)?.value || "reply";
  const state = (form) => {
    if (!typing.has(form)) typing.set(form, { kept: $("textarea", form).value, kind: kindOf(form), timer: 0, saving: null, turn: 0, wait: 5000, stopped: false, sent: false, conflict: null });
    return typing.get(form);
  };
  const note = (form, words) => { const n = $("[data-saved]", form); if (n && n.textContent !== words) n.textContent = words; };
  const dirty = (form) => { const s = state(form); return $("textarea", form).value !== s.kept || kindOf(form) !== s.kind; };

  // What is kept, and where it differs from what stands here, the choice between the two.
  const adopt = (form, told) => {
    const s = state(form), text = $("textarea", form);
    // What became a note must not be sent as an answer.
    if (told.version !== 0 && (told.note ? "note" : "reply") !== kindOf(form)) {
      const kind = $(`[name=kind][value=${told.note ? "note" : "reply"}]`, form);
      if (!kind) return false;
      kind.checked = true;
    }
    text.value = told.body ?? "";
    s.kept = text.value;
    s.kind = kindOf(form);
    form.elements.draft.value = told.version;
    return true;
  };
  const settled = (form) => { state(form).conflict = null; $(".draft-choice", form)?.remove(); };
  const choose = (form, told) => {
    const s = state(form);
    s.conflict = told;
    $(".draft-choice", form)?.remove();
    note(form, told.version ? "You wrote something else here in another window." : told.said);
    const box = document.createElement("span");
    box.className = "draft-choice row";
    const button = (words, act) => {
      const b = document.createElement("button");
      b.type = "button"; b.className = "btn btn-sm"; b.textContent = words;
      b.addEventListener("click", () => { settled(form); act(); $("textarea", form).focus(); });
      box.append(b);
    };
    button("Keep this text", () => { form.elements.draft.value = told.version; s.kept = null; save(form); });
    button(told.version ? "Use the other" : "Discard it", () => { if (adopt(form, told)) note(form, told.version ? "Draft from another window" : ""); });
    $("[data-saved]", form)?.after(box);
  };

  const save = (form, leaving = false) => {
    const s = state(form);
    clearTimeout(s.timer);
    if (s.stopped || s.conflict || !dirty(form)) return s.saving || Promise.resolve();
    if (s.saving && !leaving) return s.saving.then(() => save(form));
    const body = new URLSearchParams(), text = $("textarea", form).value, kind = kindOf(form);
    if (!text.trim() && form.elements.draft.value === "0") { s.kept = text; s.kind = kind; return Promise.resolve(); }
    for (const name of ["csrf_token", "draft", "composer"]) body.set(name, form.elements[name].value);
    body.set("body", text);
    body.set("kind", kind);
    body.set("turn", ++s.turn);
    const again = (words) => { note(form, words); s.timer = setTimeout(() => save(form), s.wait); s.wait = Math.min(s.wait * 2, 60000); };
    const saving = fetch(form.dataset.draft, { method: "POST", body, keepalive: leaving && text.length < 20000, headers: { Accept: "application/json" }, redirect: "manual" })
      .then(async (res) => {
        if (res.type === "opaqueredirect") { note(form, "Not saved: you are logged out. Log in in another window; what you typed stays here."); return; }
        if (res.status === 200) {
          const told = await res.json();
          s.kept = text; s.kind = kind; s.wait = 5000;
          form.elements.draft.value = told.version;
          note(form, told.said);
        } else if (res.status === 409) choose(form, await res.json());
        // Sent from this very page: whoever goes on typing here begins another message.
        else if (res.status === 410) { s.stopped = s.sent = true; note(form, "Sent"); }
        // It is tried again with the next letter, and not before.
        else if (res.status === 422) note(form, (await res.json()).said);
        else if (res.status === 403 || res.status === 404) note(form, "Not saved: this conversation is no longer yours to answer. What you typed stays here.");
        else if (res.status < 500 && res.status !== 429) note(form, "Not saved. What you typed stays here; reload the page to save it.");
        else again("Not saved. What you typed stays here; it is tried again.");
      })
      .catch(() => again("Not saved. What you typed stays here; it is tried again."))
      .finally(() => { if (s.saving === saving) s.saving = null; });
    s.saving = saving;
    return saving;
  };
  document.addEventListener("input", (e) => {
    const form = e.target.matches?.(".composer textarea") && e.target.form;
    if (!form || !form.dataset.draft) return;
    const s = state(form);
    clearTimeout(s.timer);
    if (s.sent) {
      form.elements.composer.value = [...crypto.getRandomValues(new Uint8Array(24))].map((n) => n.toString(16).padStart(2, "0")).join("");
      form.elements.draft.value = "0";
      s.sent = s.stopped = false;
    }
    // At the latest some seconds after the first letter, also of somebody who never pauses.
    if (!dirty(form)) s.since = 0; else s.since ||= Date.now();
    s.timer = setTimeout(() => { s.since = 0; save(form); }, s.since && Date.now() - s.since > 4000 ? 0 : 600);
  });
  document.addEventListener("focusin", (e) => { const form = e.target.closest?.(".composer[data-draft]"); if (form) state(form); });
  document.addEventListener("change", (e) => { const form = e.target.name === "kind" && e.target.closest(".composer[data-draft]"); if (form) save(form); });
  const leave = () => { const form = composer(); if (form && typing.has(form)) save(form, true); };
  addEventListener("pagehide", leave);
  document.addEventListener("htmx:beforeSwap", (e) => { const form = composer(); if (form && e.detail.target?.contains(form) && e.detail.requestConfig?.elt !== form) leave(); });
  // Sending waits for a save that is under way, so that it does not come after.
  document.addEventListener("htmx:confirm", (e) => {
    const form = e.target.matches?.(".composer[data-draft]") && e.target;
    if (!form) return;
    const s = state(form);
    clearTimeout(s.timer);
    if (!s.saving) return;
    e.preventDefault();
    Promise.race([s.saving, new Promise((done) => setTimeout(done, 3000))]).finally(() => e.detail.issueRequest(true));
  });
  // What is being sent is no draft any more, unless it does not get there.
  document.addEventListener("htmx:beforeRequest", (e) => { if (e.target.matches?.(".composer[data-draft]")) state(e.target).stopped = true; });
  document.addEventListener("htmx:afterRequest", (e) => { if (e.target.matches?.(".composer[data-draft]") && !(e.detail.xhr?.status >= 200 && e.detail.xhr.status < 400)) state(e.target).stopped = false; });

  // What was sent or changed in another window goes away here.
  const compare = () => {
    const form = composer();
    if (!form || document.hidden || form.elements.draft.value === "0" || dirty(form) || state(form).saving || state(form).stopped) return;
    const asked = form.elements.draft.value;
    // It is no visit of the person's.
    fetch(form.dataset.draft, { headers: { Accept: "application/json", "Baton-Live": "1" }, redirect: "error" }).then((res) => (res.ok ? res.json() : null)).then((told) => {
      const s = state(form);
      if (!told || !form.isConnected || dirty(form) || s.saving || s.stopped || form.elements.draft.value !== asked || String(told.version) === asked) return;
      if (!adopt(form, told)) return;
      settled(form);
      note(form, told.version === 0 ? "Sent or discarded in another window" : told.said);
    }).catch(() => {});
  };
  addEventListener("focus", compare);
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else compare(); });
  setInterval(compare, 5000);

  // Formatting: marks of Markdown around what is selected, or before its lines. The text goes in as if it were typed, so that it can be undone.
  const write = (area, from, to, text, select) => {
    area.focus();
    area.setSelectionRange(from, to);
    if (!document.execCommand("insertText", false, text)) { area.setRangeText(text, from, to, "end"); area.dispatchEvent(new Event("input", { bubbles: true })); }
    if (select) area.setSelectionRange(...select);
  };
  const around = (area, mark, otherwise) => {
    const { selectionStart: a, selectionEnd: b, value } = area, n = mark.length, some = value.slice(a, b);
    if (value.slice(a - n, a) === mark && value.slice(b, b + n) === mark) { write(area, a - n, b + n, some, [a - n, b - n]); return; }
    const inner = some || otherwise;
    write(area, a, b, mark + inner + mark, [a + n, a + n + inner.length]);
  };
  const before = (area, mark) => {
    const { value } = area, a = value.lastIndexOf("\n", area.selectionStart - 1) + 1, end = value.indexOf("\n", area.selectionEnd), b = end < 0 ? value.length : end;
    const lines = value.slice(a, b).split("\n"), of = (i) => (mark === "1. " ? `${i + 1}. ` : mark), marked = (line) => (mark === "1. " ? /^\d+\. /.test(line) : line.startsWith(mark));
    const off = lines.every(marked), made = lines.map((line, i) => (off ? line.replace(mark === "1. " ? /^\d+\. / : mark, "") : of(i) + line)).join("\n");
    write(area, a, b, made, [a + (lines.length > 1 ? 0 : made.length), a + made.length]);
  };
  const formats = {
    bold: (area) => around(area, "**", "bold"),
    italic: (area) => around(area, "*", "italic"),
    ul: (area) => before(area, "- "),
    ol: (area) => before(area, "1. "),
    quote: (area) => before(area, "> "),
    code: (area) => { const some = area.value.slice(area.selectionStart, area.selectionEnd); if (some.includes("\n")) write(area, area.selectionStart, area.selectionEnd, "```\n" + some + "\n```"); else around(area, "`", "code"); },
    link: (area) => {
      const a = area.selectionStart, b = area.selectionEnd, some = area.value.slice(a, b), address = /^https?:/.test(some), words = address || !some ? "text" : some, to = address ? some : "https://";
      const from = address || !some ? a + 1 : a + words.length + 3;
      write(area, a, b, `[${words}](${to})`, [from, from + (address || !some ? words : to).length]);
    },
  };
  document.addEventListener("mousedown", (e) => { if (e.target.closest?.("[data-md]")) e.preventDefault(); });
  document.addEventListener("click", (e) => { const b = e.target.closest?.("[data-md]"); if (b) formats[b.dataset.md]($("textarea", b.closest(".composer"))); });
  document.addEventListener("keydown", (e) => {
    const area = e.target.matches?.(".composer textarea") && e.target, format = area && (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && { b: "bold", i: "italic", k: "link" }[e.key];
    if (format) { e.preventDefault(); formats[format](area); }
    // A toolbar is one stop; arrows move within it.
    const bar = e.target.closest?.('[role="toolbar"]'), step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!bar || !step) return;
    const all = [...bar.querySelectorAll("button")], to = all[(all.indexOf(e.target) + step + all.length) % all.length];
    e.preventDefault();
    all.forEach((one) => { one.tabIndex = one === to ? 0 : -1; });
    to.focus();
  });
})();
