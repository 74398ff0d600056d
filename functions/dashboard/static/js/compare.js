// PEX, our records and Procore, side by side for some days.
import { html, useState } from "./html.js";
import { get } from "./api.js";
import { counted, day, money, number, today } from "./format.js";
import { useAction } from "./state.js";
import { Badge, Button, Card, Empty, Heading, Loading, Note, ProblemNote, TextField } from "./ui.js";

const DIFFERENCES = {
  missing_in_procore: ["Missing in Procore", "bad"],
  surplus_in_procore: ["Only in Procore", "bad"],
  different_amount: ["Different amounts", "bad"],
  deleted_in_procore: ["Deleted in Procore", "bad"],
  waiting: ["Waiting", "warn"],
};

export function Compare() {
  const [from, setFrom] = useState(today(30));
  const [to, setTo] = useState(today());
  const compare = useAction(() => get("reconciliation", { from, to }));
  const [found, setFound] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    setFound(null);
    setFound((await compare.run()) ?? null);
  };
  return html`
    <${Heading}>Compare PEX with Procore<//>
    <p>For some days, adds up what PEX settled, what the connector recorded, and what Procore holds, and lists every difference.</p>
    <form class="card filters" onSubmit=${submit}>
      <div class="columns">
        <${TextField} label="From (Eastern day)" type="date" value=${from} onValue=${setFrom} max=${to} required />
        <${TextField} label="To" type="date" value=${to} onValue=${setTo} min=${from} max=${today()} required />
      </div>
      <div class="buttons start"><${Button} type="submit" kind="primary" busy=${compare.busy}>Compare<//></div>
    </form>
    <${ProblemNote} error=${compare.error} />
    ${compare.busy && html`<${Loading} what="Reading PEX and Procore. This can take half a minute…" />`}
    ${found && html`<${Result} found=${found} />`}
  `;
}

function Result({ found }) {
  const { totals, differences } = found;
  const sum = (name, text) => html`<li><div>
    <span class="figure">${money(totals[name]?.amount)}</span>
    <span class="hint">${text}: ${counted(totals[name]?.n ?? 0, name === "procore" ? "expense" : "purchase")}</span>
  </div></li>`;
  return html`
    <${Card} title="${day(found.from)} to ${day(found.to)}">
      <ul class="figures">${sum("pex", "PEX")}${sum("ledger", "Connector")}${sum("procore", "Procore")}</ul>
      ${found.more && html`<${Note} tone="warn"><p>There was more than one look can read. Choose fewer days for a complete answer.</p><//>`}
    <//>
    <${Card} title="Differences (${number(differences.length)})">
      ${differences.length === 0 ? html`<${Empty} title="None: the books agree." />` : html`
        <div class="table-wrap" tabindex="0" role="region" aria-label="Differences"><table class="stacks">
          <thead><tr><th scope="col">What</th><th scope="col">Transaction</th><th scope="col">Expense</th><th scope="col" class="number">PEX</th><th scope="col" class="number">Procore</th><th scope="col">Details</th></tr></thead>
          <tbody>${differences.map((one, index) => html`
            <tr key=${index}>
              <td><${Badge} tone=${DIFFERENCES[one.kind]?.[1]}>${DIFFERENCES[one.kind]?.[0] ?? one.kind}<//></td>
              <td>${one.transaction_id ? html`<a href="#/transactions/${one.transaction_id}">${one.transaction_id}</a>` : "—"}</td>
              <td>${one.direct_cost_id ?? "—"}</td>
              <td class="number">${money(one.amount_pex)}</td>
              <td class="number">${money(one.amount_procore)}</td>
              <td>${one.detail}</td>
            </tr>`)}</tbody>
        </table></div>`}
    <//>
  `;
}
