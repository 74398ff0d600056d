// One run, and what it did with each transaction.
import { html, useState } from "./html.js";
import { get, post } from "./api.js";
import { moment, money, OUTCOMES, RUNS, tally, TRIGGERS } from "./format.js";
import { useAction, useLoad } from "./state.js";
import { Badge, Button, Card, Empty, Heading, Loaded, More, Note, ProblemNote, Todo } from "./ui.js";
import { Progress } from "./syncing.js";
import { Verdict } from "./runs.js";

export function RunPage({ route }) {
  const loaded = useLoad(() => get(`runs/${encodeURIComponent(route.id)}`), [route.id]);
  return html`
    <p><a href="#/history">← All runs</a></p>
    <${Loaded} from=${loaded}>${(run) => html`<${Shown} run=${run} reload=${loaded.reload} />`}<//>
  `;
}

function Shown({ run, reload }) {
  return html`
    <${Heading}>${RUNS[run.kind]}, ${moment(run.started_at)}<//>
    <p class="lead"><${Verdict} run=${run} /> <span class="hint inline">${TRIGGERS[run.trigger]}${run.finished_at && ` · finished ${moment(run.finished_at)}`}</span></p>
    ${run.status === "running" && html`<${Card} title="Progress"><${Progress} id=${run.run_id} onFinished=${reload} /><//>`}
    ${run.message && html`<${Note} tone=${run.verdict === "failed" ? "bad" : "warn"}><p>${run.message}</p><//>`}
    <p>${tally(run.counts).join(" · ") || (run.status === "finished" && "There was nothing new.")}</p>
    ${run.kind === "transactions" && html`<${Items} key=${run.status} run=${run} />`}
  `;
}

function Items({ run }) {
  const [{ items, next }, setPage] = useState(run);
  const fetching = useAction(async () => {
    const page = await get(`runs/${encodeURIComponent(run.run_id)}`, { next });
    setPage({ items: [...items, ...page.items], next: page.next });
  });
  return html`
    <${Card} title="Transactions">
      ${items.length === 0 ? html`<${Empty} title="This run touched no transaction." />` : html`
        <div class="table-wrap" tabindex="0" role="region" aria-label="Transactions of this run"><table class="stacks">
          <thead><tr><th scope="col">Purchase</th><th scope="col" class="number">Amount</th><th scope="col">Result</th><th scope="col">Why, and what to do</th><th scope="col"><span class="unseen">Action</span></th></tr></thead>
          <tbody>${items.map((item) => html`<${Item} key=${item.transaction_id} item=${item} />`)}</tbody>
        </table></div>`}
      <${ProblemNote} error=${fetching.error} />
      <${More} pages=${{ next, busy: fetching.busy, more: fetching.run }} />
    <//>
  `;
}

function Item({ item }) {
  const [done, setDone] = useState(false);
  const retry = useAction(async () => (await post(`transactions/${item.transaction_id}/retry`), true));
  const press = async () => setDone((await retry.run()) ?? false);
  const told = done ? "It is tried again with the next sync, in a moment."
    : retry.error && `${retry.error.message} ${retry.error.todo ?? ""}`;
  const [word, tone] = OUTCOMES[item.outcome] ?? [item.outcome, "plain"];
  return html`
    <tr>
      <td class="wide"><a href="#/transactions/${item.transaction_id}">${item.merchant || `Transaction ${item.transaction_id}`}</a></td>
      <td class="number beside">${money(item.amount)}</td>
      <td><${Badge} tone=${tone}>${word}<//></td>
      <td>${item.help?.text}
        ${item.detail && html`<span class="hint">${item.detail}</span>`}
        ${item.help && html`<span class="hint"><${Todo} help=${item.help} /></span>`}
        <span role="status">${told}</span></td>
      <td>${item.outcome === "failed" && !done && html`
        <${Button} busy=${retry.busy} aria-label=${`Retry: ${item.merchant}`} onClick=${press}>Retry<//>`}</td>
    </tr>
  `;
}
