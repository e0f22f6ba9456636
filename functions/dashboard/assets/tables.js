// The numbers' stages and the posts' shards, each a table. Its headings stand in the page; here are its rows.
import { span } from "./charts.js";
import { $, badge, here, make, number, rate, text } from "./page.js";

/** Seconds, from 100 on in the largest unit. */
function age(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  return seconds < 100 ? `${rate(seconds)} s` : span(seconds * 1000);
}
const time = (milliseconds) => (milliseconds < 1000 ? `${rate(milliseconds)} ms` : age(milliseconds / 1000));

function cell(heading) {
  const made = make("td"), label = make("span", "label", heading);
  made.setAttribute("role", "cell");
  // A phone has no room for a line of headings; a screen reader takes the table's own.
  label.setAttribute("aria-hidden", "true");
  made.append(label, make("span"));
  return made;
}

function row(headings) {
  const made = make("tr"), head = make("th");
  made.setAttribute("role", "row");
  head.setAttribute("role", "rowheader");
  head.scope = "row";
  made.append(head, ...headings.map(cell));
  return made;
}

/** Rows of `[name, value ...]`, a value being text or `{ state }`. They are changed in place: who reads a cell stays there. */
function fill(body, rows) {
  const headings = [...body.closest("table").tHead.rows[0].cells].slice(1).map((heading) => heading.textContent);
  while (body.rows.length > rows.length) body.rows[body.rows.length - 1].remove();
  while (body.rows.length < rows.length) body.append(row(headings));
  rows.forEach(([name, ...values], i) => {
    const [head, ...cells] = body.rows[i].cells;
    if (head.textContent !== name) head.textContent = name;
    values.forEach((value, at) => {
      const place = cells[at].lastElementChild;
      if (value.state) badge(place, value.state);
      else if (place.textContent !== value) place.textContent = value;
    });
  });
}

const list = (value) => (Array.isArray(value) ? value : []);
// What nobody has measured is null, which would count as 0.
const times = (taken) => [taken?.p50_ms, taken?.p95_ms, taken?.p99_ms].map((value) => time(value ?? NaN));

export function showNumbers(panels) {
  const answer = here(panels, "numbers", "numbers-note", "Time in each stage");
  const stages = list(answer?.stages);
  // What was shown stays, beside the note that says who is away.
  if (!answer) return;
  fill($("numbers"), stages.map(({ stage, name, throughput, time_in_stage: taken, backlog }) =>
    [`${stage} ${name}`, rate(throughput?.per_second), ...times(taken), number(backlog?.records), age(backlog?.oldest_seconds)]));
  const oldest = stages.map((stage) => stage.backlog?.oldest_seconds).filter(Number.isFinite);
  fill($("numbers-whole"), [["Start to finish", rate(stages[stages.length - 1]?.throughput?.per_second), ...times(answer.start_to_finish),
    number(answer.backlog_records), age(oldest.length ? Math.max(...oldest) : NaN)]]);
  if (Number.isFinite(answer.window_seconds)) text("numbers-note", `Time in each stage, the last ${span(answer.window_seconds * 1000)}`);
}

export function showPosts(panels) {
  const answer = here(panels, "posts", "posts-note", "Posts by shard");
  const shards = list(answer?.shards);
  if (!answer) return;
  fill($("posts"), shards.map(({ shard, reachable, partitions, lag }) =>
    [String(shard), { state: reachable ? "reachable" : "away" }, number(list(partitions).length), number(lag)]));
  const moving = shards.reduce((sum, { outdated, frozen }) => sum + new Set([...list(outdated), ...list(frozen)]).size, 0);
  const words = [`Shard map ${number(answer.epoch)}`, moving > 0 && `${number(moving)} ${moving > 1 ? "partitions" : "partition"} on the way`,
    answer.kafka === false && "Kafka is away", ...shards.filter((shard) => !shard.reachable).map(({ shard, reason }) => `${shard} is away: ${reason}`)];
  text("posts-note", words.filter(Boolean).join(", "));
}
