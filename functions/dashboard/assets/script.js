// Asks for the overview every few seconds and shows it. Nothing that comes from there is ever taken as HTML.
import { draw, span } from "./charts.js";
import { $, ago, badge, bytes, here, make, number, rate, say, text } from "./page.js";
import { showNumbers, showPosts } from "./tables.js";

const EVERY = 4000, PATIENCE = 20000, HALF_HOUR = 1800000;
const state = { producer: {}, streaming: {} };
let answeredAt = 0;

// ---- the pipeline

function showPart(part, status, words, name) {
  const button = $(`${part}-button`);
  const known = ["running", "stopped", "stopping", "starting"].includes(status);
  badge($(`${part}-state`), status);
  text(`${part}-words`, words);
  const was = state[part].status;
  if (known && was && was !== status) say(`${name} is ${status}`);
  state[part].status = status;
  if (state[part].busy) return;
  button.setAttribute("aria-disabled", String(!known));
  if (!known) return;
  const stops = status === "running" || status === "starting";
  state[part].action = stops ? "stop" : "start";
  text(button.id, `${stops ? "Stop" : "Start"} ${name}`);
}
const running = (data, fallback) => {
  let word = String(data?.status ?? data?.state ?? fallback ?? "unknown").toLowerCase();
  if (word === "changing") word = String(data?.trigger?.state ?? word).toLowerCase();
  return { enabled: "running", enabling: "starting", creating: "starting", updating: "starting", disabled: "stopped", disabling: "stopping" }[word] ?? word;
};

function showProducer(panels) {
  const data = here(panels, "producer"), stats = here(panels, "producer_stats");
  text("sent", number(stats?.sent));
  const left = stats?.rate_limit?.remaining ?? stats?.rate_limit_remaining;
  const poll = ago(data?.last_poll_at);
  const words = data
    ? [poll && `polled ${poll} ago`, Number.isFinite(left) && `${number(left)} requests left`].filter(Boolean).join(", ")
    : `away: ${panels.producer?.reason ?? "no answer"}`;
  showPart("producer", data ? running(data) : "away", words, "the producer");
}

function showStreaming(panels, writer) {
  const data = here(panels, "streaming");
  const words = data ? "github-events into the table" : `away: ${panels.streaming?.reason ?? "no answer"}`;
  const seen = writer?.status === "stopped" ? "stopped" : undefined;
  showPart("streaming", data ? running(data, seen) : "away", words, "streaming");
}

function showTable(panels) {
  const table = here(panels, "table");
  const snapshot = table?.snapshot, staged = table?.staged;
  const rows = table ? (snapshot?.records ?? 0) + (staged?.records ?? 0) : NaN;
  text("rows", number(rows));
  const words = table
    ? [`${number(snapshot?.files ?? 0)} files`, bytes(snapshot?.bytes ?? 0),
      snapshot && Number.isFinite(snapshot.age_seconds) && `committed ${span(snapshot.age_seconds * 1000)} ago`]
    : [`away: ${panels.table?.reason ?? "no answer"}`];
  text("table-words", words.filter(Boolean).join(", "));
  return { table, rows };
}

// ---- the charts

/** The writer's looks of the last half hour, the oldest first. */
function looks(flow) {
  const history = Array.isArray(flow?.history) ? flow.history : [];
  const points = history.map((look) => ({ at: Date.parse(look.at), lag: look.lag, progress: look.progress }));
  const newest = Math.max(...points.map((point) => point.at));
  return points
    .filter(({ at, lag, progress }) => at > newest - HALF_HOUR && Number.isFinite(lag) && Number.isFinite(progress))
    .sort((a, b) => a.at - b.at);
}

function showCharts(panels, table) {
  const flow = here(panels, "flow", "lag-note", "The last half hour");
  here(panels, "flow", "rate-note", "The last half hour");
  const lag = Number.isFinite(table?.lag) ? table.lag : flow?.lag;
  text("lag-now", number(lag));
  // What was drawn stays, beside the note that says who is away.
  if (!flow) return void here(panels, "flow", "growth-note");
  const all = looks(flow);
  const rates = all.slice(1).map((look, i) => {
    const before = all[i];
    return { at: look.at, value: Math.max(0, ((look.progress - before.progress) * 1000) / Math.max(1, look.at - before.at)) };
  });
  const most = (points) => Math.max(0, ...points.map((point) => point.value));
  const mean = rates.reduce((sum, point) => sum + point.value, 0) / Math.max(1, rates.length);
  const now = rates.slice(-3).reduce((sum, point) => sum + point.value, 0) / Math.max(1, Math.min(3, rates.length));
  text("rate-now", rates.length ? rate(now) : "–");
  document.body.classList.toggle("flows", now > 0);
  const over = all.length > 1 ? span(all[all.length - 1].at - all[0].at) : "0 s";
  draw($("rate-chart"), rates, `Events a second over ${over}: now ${rate(now)}, at most ${rate(most(rates))}, on average ${rate(mean)}.`, rate);
  const lags = all.map((look) => ({ at: look.at, value: look.lag }));
  draw($("lag-chart"), lags, `Records that wait over ${over}: now ${number(lag)}, at most ${number(most(lags))}.`, number);
  const grown = all.map((look) => ({ at: look.at, value: Math.max(0, look.progress - all[0].progress) }));
  const total = grown.length ? grown[grown.length - 1].value : 0;
  draw($("growth-chart"), grown, `Records taken in over ${over}: ${number(total)}.`, number);
  here(panels, "flow", "growth-note", `${number(total)} records taken in within ${over}`);
}

// ---- the lists

/** Counts by type, in whatever shape they come: {type: n} or [{type, count}]. */
function byType(stats) {
  const found = stats?.by_type ?? stats?.events_by_type ?? stats?.types;
  const pairs = Array.isArray(found)
    ? found.map((entry) => [entry.type ?? entry.event_type ?? entry.name, entry.count ?? entry.events ?? entry.total])
    : Object.entries(found ?? {});
  return pairs.filter(([, count]) => Number.isFinite(count)).sort((a, b) => b[1] - a[1]);
}

function bars(id, entries) {
  const most = Math.max(1, ...entries.map(([, count]) => count));
  $(id).replaceChildren(...entries.map(([name, count]) => {
    const row = make("li"), track = make("div", "track"), fill = make("div", "fill");
    fill.style.width = `${(100 * count) / most}%`;
    track.setAttribute("aria-hidden", "true");
    track.append(fill);
    row.append(make("span", "name", name), make("span", "count", number(count)), track);
    return row;
  }));
}

function showCounts(panels) {
  const { events, repositories } = panels.stats?.data?.totals ?? {};
  const within = (words, count) => (Number.isFinite(count) ? `${number(count)} ${words} within the last hour` : "The last hour");
  const stats = here(panels, "stats", "types-note", within("events", events));
  here(panels, "stats", "repositories-note", within("repositories", repositories));
  if (!stats) return;
  bars("types", byType(stats).slice(0, 12).map(([type, count]) => [String(type).replace(/Event$/, ""), count]));
  const busiest = Array.isArray(stats.top_repositories) ? stats.top_repositories : [];
  bars("repositories", busiest.slice(0, 12).map(({ repo, events }) => [repo ?? "nameless", events]));
}

function showEvents(panels) {
  const answer = here(panels, "events", "events-note", "As a query finds them");
  const events = Array.isArray(answer?.events) ? answer.events.slice(0, 8) : [];
  if (!answer) return;
  $("events").replaceChildren(...events.map((event) => {
    const row = make("li"), time = make("time", "", `${ago(event.created_at) ?? "–"} ago`);
    if (event.created_at) time.dateTime = event.created_at;
    const action = event.action ? ` ${event.action}` : "";
    const what = make("span", "what", `${String(event.type ?? event.event_type ?? "Event").replace(/Event$/, "")}${action}`);
    row.append(what, time, make("span", "who", `${event.actor?.login ?? "somebody"} in ${event.repo?.name ?? "a repository"}`));
    return row;
  }));
  if (!events.length) text("events-note", "No event within the last hour");
}

function showServices(panels) {
  const answer = here(panels, "services", "services-note", "Looked at every ten seconds");
  const services = Array.isArray(answer?.services) ? answer.services : [];
  if (!answer) { badge($("whole"), "unknown"); text("whole-words", "the registry is away"); return services; }
  const status = { healthy: "running", unhealthy: "degraded" }[answer.status] ?? (answer.up_since ? "starting" : "unknown");
  const was = state.whole;
  state.whole = status;
  if (was && was !== status) say(`The system is ${status}`);
  badge($("whole"), status);
  const ill = services.filter((service) => service.status === "unhealthy").map((service) => service.name);
  text("whole-words", ill.length ? `${ill.join(", ")} ${ill.length > 1 ? "are" : "is"} ill` : `${answer.healthy} of ${answer.total} services are healthy`);
  text("uptime", answer.up_since ? `up for ${ago(answer.up_since)}` : "nobody has looked for a while");
  $("services").replaceChildren(...services.map((service) => {
    const row = make("li"), name = make("span", "name"), mark = make("span");
    badge(mark, service.status);
    if (service.docs) {
      const link = make("a", "", service.name);
      link.href = /^https?:/.test(service.docs) ? service.docs : "#";
      name.append(link);
    } else name.textContent = service.name;
    const more = service.error ?? [service.trigger, Number.isFinite(service.response_time_ms) && `${rate(service.response_time_ms)} ms`,
      Number.isFinite(service.lag) && `${number(service.lag)} wait`].filter(Boolean).join(", ");
    row.append(name, mark, make("span", "more", more));
    return row;
  }));
  return services;
}

// ---- asking

async function call(path, options) {
  const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? `status ${answer.status}`);
  return body;
}

function show({ panels, version }) {
  const services = showServices(panels);
  showProducer(panels);
  showStreaming(panels, services.find((service) => service.name === "github-lake-writer"));
  showCharts(panels, showTable(panels).table);
  showCounts(panels);
  showEvents(panels);
  showNumbers(panels);
  showPosts(panels);
  text("version", `Millrace ${version}`);
}

async function look() {
  let overview;
  try {
    overview = await call("api/overview");
    answeredAt = Date.now();
  } catch (error) {
    badge($("whole"), "unknown");
    text("whole-words", `no answer: ${error.message}`);
  }
  text("fresh", answeredAt ? `asked ${span(Date.now() - answeredAt)} ago` : "not answered yet");
  // A fault of this script is none of the answer's: the console shows it, and the test finds it there.
  if (overview) show(overview);
}

async function act(part, name) {
  const button = $(`${part}-button`);
  if (button.getAttribute("aria-disabled") === "true") return;
  const action = state[part].action;
  state[part].busy = true;
  button.setAttribute("aria-disabled", "true");
  text(button.id, action === "stop" ? `Stopping ${name} …` : `Starting ${name} …`);
  try {
    await call(`api/${part}/${action}`, { method: "POST", headers: { "X-Millrace": "dashboard" } });
    say(action === "stop" ? `${name} is being stopped` : `${name} is being started`);
  } catch (error) {
    say(`${name} was not ${action === "stop" ? "stopped" : "started"}: ${error.message}`);
    text(`${part}-words`, error.message);
  }
  state[part].busy = false;
  await look();
}

$("producer-button").addEventListener("click", () => act("producer", "the producer"));
$("streaming-button").addEventListener("click", () => act("streaming", "streaming"));

// One question at a time, and none while nobody looks.
let timer = 0, asking = false;
async function again() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    if (!document.hidden) await look();
  } finally {
    asking = false;
    timer = setTimeout(again, EVERY);
  }
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
again();
