// The teach tab. From Gradio: element (this component), props.value (the session's name), server
// (calls of pipeline/web/teach_calls.py), and upload.

const COUNTDOWN = 3; // seconds
const LONGEST = 10; // seconds of a take
const UNTAUGHT = "The camera above names your actions once they are taught.";
const PERIOD = 700; // milliseconds between looks at what is being done
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const find = (name) => element.querySelector(name);
const [label, hold, free, count, cards, said] = [
  ...[".label", ".hold", ".free", ".count", ".cards", ".said"],
].map(find);
let recording = null; // the label that pictures are recorded for
let series = 0; // counts hands-free recordings: a new one, or none, ends the one before
let refreshing = false;
let changed = false; // since the state was last asked for

const camera = watchCamera(element, (picture) => server.look_on([props.value, picture, recording]), {
  seen(answer) {
    if (answer.seconds !== null && recording !== null) show(`${answer.seconds.toFixed(1)} s`, "red");
    if (answer.note) tell([answer.note]);
    if (answer.kept) return refresh();
    if (answer.note) giveUp();
  },
  stopped: giveUp,
});

function giveUp() {
  series += 1;
  release();
}

async function call(name, ...values) {
  while (!props.value) await rest(100);
  const answer = await server[name]([props.value, ...values]);
  if (answer.error) tell([answer.error]);
  return answer.error ? null : answer;
}

let told = "";
function tell(lines) {
  if (lines.join("\n") === told) return; // screen readers say every change
  told = lines.join("\n");
  said.replaceChildren(...lines.map((line) => make("li", {}, line)));
}

function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function show(words, kind = "") {
  count.textContent = words;
  count.className = `count ${kind}`;
  count.hidden = !words;
}

// Recording

function ready() {
  if (!label.value.trim()) {
    tell(["Name the action first."]);
    label.focus();
    return false;
  }
  if (!camera.running()) {
    tell(["The camera starts: then do it again."]);
    camera.start();
    return false;
  }
  return true;
}

function press() {
  if (recording !== null || !ready()) return;
  series += 1;
  recording = label.value.trim();
  hold.classList.add("on");
  hold.textContent = "Recording…";
  const mine = series;
  setTimeout(() => mine === series && release(), 1000 * LONGEST);
}

function release() {
  recording = null;
  hold.classList.remove("on");
  hold.textContent = "Hold to record";
  free.textContent = "Record hands-free";
  show("");
}

hold.onpointerdown = (event) => {
  hold.setPointerCapture(event.pointerId);
  press();
};
hold.onpointerup = hold.onpointercancel = hold.onblur = () => recording !== null && release();
hold.oncontextmenu = (event) => event.preventDefault(); // which a long touch opens
hold.onkeydown = (event) => {
  if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  if (!event.repeat) press();
};
hold.onkeyup = (event) => (event.key === " " || event.key === "Enter") && release();

free.onclick = async () => {
  if (free.textContent === "Stop recording") return giveUp();
  if (recording !== null || !ready()) return;
  const [mine, name] = [++series, label.value.trim()];
  const [times, seconds] = [".times", ".length"].map((name) => {
    const input = find(name);
    return Math.min(Math.max(Number(input.value) || 1, Number(input.min)), Number(input.max));
  });
  free.textContent = "Stop recording";
  for (let take = 1; take <= times; take++) {
    for (let left = COUNTDOWN; left > 0; left--) {
      show(String(left));
      tell([`Take ${take} of ${times} in ${left}`]);
      await rest(1000);
      if (mine !== series) return;
    }
    recording = name;
    tell([`Take ${take} of ${times}: now`]);
    await rest(1000 * seconds);
    if (mine !== series) return;
    recording = null;
    show("");
    await rest(500); // the next picture ends it
    if (mine !== series) return;
  }
  release();
};

// Clips, and files of before

async function send(files, use) {
  const paths = [];
  for (const file of files) {
    tell([`Uploading ${file.name}…`]);
    try {
      paths.push((await upload(file)).path);
    } catch (error) {
      return tell([`${file.name} could not be uploaded: ${error.message || error}`]);
    }
  }
  tell([]);
  if (paths.length && (await use(paths))) refresh();
}

function takeClips(files) {
  if (!label.value.trim()) {
    tell(["Name the action first."]);
    return label.focus();
  }
  send(files, (paths) => call("take_clips", label.value.trim(), paths));
}

find(".clips").onchange = (event) => {
  takeClips([...event.target.files]);
  event.target.value = "";
};
element.ondragover = (event) => event.preventDefault();
element.ondrop = (event) => {
  event.preventDefault();
  takeClips([...event.dataTransfer.files]);
};
find(".load").onchange = (event) => {
  send([...event.target.files], ([path]) => call("load_file", path));
  event.target.value = "";
};

function save(address) {
  const link = make("a", { href: address, download: address.split("/").pop() });
  link.click();
}

find(".weights").onclick = (event) => save(event.currentTarget.dataset.address);
find(".data").onclick = async () => {
  const answer = await call("save_takes");
  if (answer) save(answer.file);
};

// Teaching

find(".begin").onclick = async () => {
  const [minutes, extend] = [Number(find(".minutes").value), find(".extend").checked];
  if (await call("begin_teaching", minutes, extend)) refresh();
};
find(".end").onclick = () => call("stop_work");

// What there is

async function refresh() {
  changed = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (changed && element.isConnected) {
      changed = false;
      const state = await call("tell_state");
      if (!state) return;
      await render(state);
      if (!state.work) continue;
      changed = true;
      await rest(PERIOD);
    }
  } finally {
    refreshing = false;
  }
}

let before = {};
async function render(state) {
  const busy = Boolean(state.work);
  find(".work").innerHTML = state.work || "";
  find(".begin").hidden = busy;
  find(".end").hidden = !busy;
  if (state.news !== before.news) tell(state.said);
  find(".learnt").hidden = !state.summary;
  if (state.summary !== before.summary) find(".summary").textContent = state.summary;
  if (state.report !== before.report) find(".report").innerHTML = state.report;
  find(".taught").textContent = state.taught.length
    ? `The camera above names: ${state.taught.join(", ")}.`
    : UNTAUGHT;
  find(".weights").disabled = !state.weights;
  find(".weights").dataset.address = state.weights || "";
  find(".data").disabled = !state.labels.length;
  before = state;
  await renderCards(state.labels);
}

async function renderCards(labels) {
  const names = labels.map(({ name }) => name);
  for (const card of [...cards.children]) if (!names.includes(card.dataset.label)) card.remove();
  for (const { name, takes, seconds } of labels) {
    const card = [...cards.children].find((one) => one.dataset.label === name) || newCard(name);
    card.querySelector(".sum").textContent =
      `${takes.length} take${takes.length > 1 ? "s" : ""}, ${seconds.toFixed(0)} s`;
    const list = card.querySelector("ul");
    for (const item of [...list.children]) if (!takes.includes(item.dataset.take)) item.remove();
    for (const take of takes) {
      if ([...list.children].some((item) => item.dataset.take === take)) continue;
      const answer = await call("draw_take", take);
      if (answer) list.append(newTake(take, answer.drawing, name, list.children.length + 1));
    }
  }
}

function newCard(name) {
  const more = make("button", { type: "button", class: "more" }, "Add takes");
  const away = make("button", { type: "button", class: "away", "aria-label": `Throw ${name} away` }, "×");
  more.onclick = () => {
    label.value = name;
    hold.focus();
  };
  away.onclick = async () => {
    if (await call("drop_label", name)) refresh();
  };
  const head = make("div", { class: "top" }, make("h4", {}, name), away);
  const sum = make("span", { class: "sum quiet" });
  const card = make("article", { class: "card" }, head, make("ul", {}), make("div", { class: "top" }, sum, more));
  card.dataset.label = name;
  cards.append(card);
  return card;
}

function newTake(take, drawing, name, number) {
  const item = make("li", {});
  item.dataset.take = take;
  item.innerHTML = drawing;
  const away = make("button", { type: "button", "aria-label": `Throw away take ${number} of ${name}` }, "×");
  away.onclick = async () => {
    if (!(await call("drop_take", take))) return;
    (item.nextElementSibling || item.previousElementSibling)?.querySelector("button").focus();
    refresh();
  };
  item.append(away);
  const svg = item.querySelector("svg");
  if (STILL.matches) svg.pauseAnimations();
  return item;
}

refresh();
