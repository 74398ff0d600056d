// One purchase: what became of it, why, and what can be done.
import { html, useState } from "./html.js";
import { get, post } from "./api.js";
import { counted, day, KIND, moment, money, STATES } from "./format.js";
import { useAction, useEvery, useLoad } from "./state.js";
import { Badge, Button, Card, Confirm, Heading, Loaded, Note, ProblemNote, Todo } from "./ui.js";

const ACTIONS = {
  retry: ["Try again", null],
  ignore: ["Never import it", "It is taken off the list of what waits. You can have it tried again later."],
  post_again: ["Post it again", "A new expense is made in Procore, in place of the one that was deleted there."],
};

const MOVING = ["announced", "posting", "unknown"];
const LOOK_SECONDS = 3;

export function TransactionPage({ route }) {
  const loaded = useLoad(() => get(`transactions/${encodeURIComponent(route.id)}`), [route.id]);
  return html`
    <p><a href="#/transactions">← All transactions</a></p>
    <${Loaded} from=${loaded}>${(row) => html`<${Row} row=${row} reload=${loaded.reload} />`}<//>
  `;
}

function Row({ row, reload }) {
  const [asking, setAsking] = useState(null);
  const [done, setDone] = useState("");
  const act = useAction(async (name) => {
    await post(`transactions/${row.transaction_id}/${name.replace("_", "-")}`);
    setAsking(null);
    setDone({ retry: "It is tried again with the next sync, in a moment.", ignore: "It will not be imported.",
      post_again: "It is posted again with the next sync, in a moment." }[name]);
    await reload();
  });
  const moving = MOVING.includes(row.state);
  useEvery(LOOK_SECONDS, done && moving, reload);
  const [word, tone] = STATES[row.state] ?? [row.state, "plain"];
  const press = (name) => (ACTIONS[name][1] ? setAsking(name) : act.run(name));
  return html`
    <${Heading}>${row.merchant || `Transaction ${row.transaction_id}`}<//>
    <p class="lead"><span class="figure">${money(row.amount)}</span> <${Badge} tone=${tone}>${word}<//></p>
    <div role="status">${done && (moving || row.state === "ignored") && html`<${Note} tone="good"><p>${done}</p><//>`}</div>
    ${row.help && html`
      <${Note} tone=${tone === "bad" ? "bad" : tone === "warn" ? "warn" : "info"} title=${row.help.text}>
        ${row.detail && html`<p>${row.detail}</p>`}
        <p><${Todo} help=${row.help} /></p>
      <//>`}
    <${ProblemNote} error=${!asking && act.error} />
    ${row.actions?.length > 0 && html`<div class="buttons start">
      ${row.actions.map((name) => html`<${Button} key=${name} busy=${act.busy} onClick=${() => press(name)}>${ACTIONS[name][0]}<//>`)}
    </div>`}
    <div class="grid">
      <${Card} title="In PEX">
        <dl class="facts">
          <div><dt>Cardholder</dt><dd>${row.cardholder || "—"}</dd></div>
          <div><dt>Date</dt><dd>${day(row.date)}</dd></div>
          <div><dt>Receipts</dt><dd>${Array.isArray(row.receipts) ? row.receipts.length : row.receipts ?? 0}</dd></div>
          <div><dt>Transaction number</dt><dd>${row.transaction_id}</dd></div>
        </dl>
        ${row.allocations?.length > 0 && html`
          <h3>${row.allocations.length > 1 ? `Split in ${counted(row.allocations.length, "part")}` : "Coding"}</h3>
          <ul class="rows">${row.allocations.map((part, index) => html`
            <li key=${index}><span>${money(part.amount)}</span><span class="hint">${Object.entries(part.tags)
              .map(([kind, name]) => `${KIND[kind] ?? kind}: ${name ?? "none"}`).join(" · ") || "no tags"}</span></li>`)}</ul>`}
      <//>
      <${Card} title="In Procore">
        ${row.direct_costs.length === 0 ? html`<p class="hint">No expense.</p>` : html`
          <ul class="rows">${row.direct_costs.map((one) => html`
            <li key=${one.reference}>
              ${one.url ? html`<a href=${one.url} target="_blank" rel="noopener noreferrer">Expense ${one.direct_cost_id}</a>` : html`<span>Expense ${one.direct_cost_id ?? "(not confirmed yet)"}</span>`}
              <span class="hint">${one.project_name ?? `Project ${one.project_id}`} · reference ${one.reference}</span>
            </li>`)}</ul>`}
      <//>
    </div>
    <${Timeline} entries=${row.timeline} />
    ${asking && html`
      <${Confirm} title="${ACTIONS[asking][0]}?" yes=${ACTIONS[asking][0]} busy=${act.busy} error=${act.error}
        onYes=${() => act.run(asking)} onNo=${() => (setAsking(null), act.clear())}>
        <p>${money(row.amount)} at ${row.merchant}, ${day(row.date)}. ${ACTIONS[asking][1]}</p>
      <//>`}
  `;
}

// What the ledger noted, for people. Reasons are told in full above.
const CAUSES = [
  [/^callback$/, "PEX reported the purchase"],
  [/^listed by .*$/, "Found in PEX's list"],
  [/^eligible$/, "Nothing is in the way any more"],
  [/^$/, "Note and receipts are done"],
  [/^intent$/, "Written down, then sent to Procore"],
  [/^intent to change (\d+)$/, "Expense $1 is about to be changed"],
  [/^posted (\d+)$/, "Procore stored it as expense $1"],
  [/^adopted (\d+)$/, "Found in Procore as expense $1"],
  [/^changed (\d+)$/, "Expense $1 was changed"],
  [/^deleted$/, "The expense is gone from Procore"],
  [/^found$/, "Compared with what Procore holds"],
  [/^as it was posted$/, "Procore holds it as it was posted"],
  [/^nothing left to post$/, "Nothing is left to post"],
  [/^not found, first look$/, "Not in Procore; we look once more before sending it again"],
];

// `reasons`: code → sentence.
function told({ cause = "" }, reasons) {
  if (reasons.has(cause)) return reasons.get(cause);
  const known = CAUSES.find(([pattern]) => pattern.test(cause));
  return known ? cause.replace(...known) : cause.replaceAll("_", " ");
}

function Timeline({ entries = [] }) {
  const { data: reasons = new Map() } = useLoad(async () =>
    new Map((await get("reasons")).items.map((one) => [one.code, one.text])));
  return html`<${Card} title="What happened">
    <ol class="timeline">
      ${entries.map((entry, index) => html`
        <li key=${index}>
          <time datetime=${entry.at}>${moment(entry.at)}</time>
          <span><span class="strong">${STATES[entry.to]?.[0] ?? entry.to}</span>
            <span class="hint">${told(entry, reasons)}${entry.run_id && html` · <a href="#/history/${entry.run_id}">see the run</a>`}</span></span>
        </li>
      `)}
    </ol>
  <//>`;
}
