// Every purchase, and why it is or is not in Procore.
import { html, useState } from "./html.js";
import { address, get } from "./api.js";
import { day, money, STATES } from "./format.js";
import { useLoad } from "./state.js";
import { Badge, Button, Empty, Heading, Loading, More, ProblemNote, SelectField, TextField, Todo, usePages } from "./ui.js";

const FILTERS = ["state", "reason", "project_id", "cardholder", "from", "to", "q"];
const PAGE = 50;

export function Transactions({ route }) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, route.query[name] ?? ""]));
  const filtered = FILTERS.some((name) => filter[name]);
  const pages = usePages((next) => get("transactions", { ...filter, limit: PAGE, next }), [JSON.stringify(filter)]);
  const search = (changed) => {
    const query = new URLSearchParams(Object.entries({ ...filter, ...changed }).filter(([, value]) => value));
    location.hash = `#/transactions${query.size ? `?${query}` : ""}`;
  };
  return html`
    <${Heading} actions=${html`<a class="button" href=${address("history.csv", { from: filter.from, to: filter.to })} download>Download as CSV</a>`}>
      Transactions
    <//>
    <${Filters} key=${JSON.stringify(filter)} filter=${filter} onSearch=${search} />
    <${ProblemNote} error=${pages.error} retry=${pages.restart} />
    ${!pages.items && pages.busy && html`<${Loading} />`}
    ${pages.items?.length === 0 && !pages.busy && (filtered
      ? html`<${Empty} title="No transaction matches."><p><a href="#/transactions">Show all</a></p><//>`
      : html`<${Empty} title="Nothing yet."><p>Purchases appear here once they settle in PEX, or after you press Sync now on the overview.</p><//>`)}
    ${pages.items?.length > 0 && html`<${Table} items=${pages.items} busy=${pages.busy} />`}
    <${More} pages=${pages} />
  `;
}

function Filters({ filter, onSearch }) {
  const [draft, setDraft] = useState(filter);
  const field = (name) => ({ value: draft[name], onValue: (value) => setDraft((old) => ({ ...old, [name]: value })) });
  const submit = (event) => (event.preventDefault(), onSearch(draft));
  const open = ["reason", "project_id", "cardholder", "from", "to"].some((name) => filter[name]);
  const [more, setMore] = useState(open);
  return html`
    <form class="card filters" role="search" onSubmit=${submit}>
      <div class="columns">
        <${TextField} label="Search merchant, amount or number" type="search" ...${field("q")} />
        <${SelectField} label="State" value=${draft.state} onValue=${(state) => onSearch({ ...draft, state })}
          choices=${[["", "All states"], ...Object.entries(STATES).map(([key, [text]]) => [key, text])]} />
      </div>
      ${more && html`<${MoreFilters} field=${field} draft=${draft} onSearch=${onSearch} />`}
      <div class="buttons start">
        <${Button} type="submit" kind="primary">Search<//>
        ${!more && html`<${Button} onClick=${() => setMore(true)}>More filters<//>`}
        ${FILTERS.some((name) => filter[name]) && html`<a class="button" href="#/transactions">Clear</a>`}
      </div>
    </form>
  `;
}

function MoreFilters({ field, draft, onSearch }) {
  const reasons = useLoad(async () => (await get("reasons")).items);
  const projects = useLoad(async () => (await get("procore/projects")).items);
  return html`
    <div class="columns">
      <${SelectField} label="Project" value=${draft.project_id} onValue=${(id) => onSearch({ ...draft, project_id: id })}
        choices=${[["", projects.data ? "All projects" : "All projects (loading…)"],
          ...(projects.data ?? []).map((one) => [String(one.id), [one.number, one.name].filter(Boolean).join(" · ")])]} />
      <${SelectField} label="Reason" value=${draft.reason} onValue=${(reason) => onSearch({ ...draft, reason })}
        choices=${[["", "All reasons"], ...(reasons.data ?? []).map((one) => [one.code, one.text])]} />
      <${TextField} label="Cardholder" ...${field("cardholder")} />
      <${TextField} label="From (Eastern day)" type="date" ...${field("from")} />
      <${TextField} label="To" type="date" ...${field("to")} />
    </div>
  `;
}

const Table = ({ items, busy }) => html`
  <div class="card table-wrap" aria-busy=${busy} tabindex="0" role="region" aria-label="Transactions">
    <table class="stacks">
      <thead><tr>
        <th scope="col">Date (ET)</th><th scope="col">Purchase</th><th scope="col" class="number">Amount</th>
        <th scope="col">State</th><th scope="col">Why, and what to do</th>
      </tr></thead>
      <tbody>
        ${items.map((one) => html`
          <tr key=${one.transaction_id}>
            <td>${day(one.date)}</td>
            <td><a href="#/transactions/${one.transaction_id}">${one.merchant || `Transaction ${one.transaction_id}`}</a>
              <span class="hint">${one.cardholder}</span></td>
            <td class="number beside">${money(one.amount)}</td>
            <td><${Badge} tone=${STATES[one.state]?.[1]}>${STATES[one.state]?.[0] ?? one.state}<//></td>
            <td>${one.help && html`${one.help.text}
              <span class="hint"><${Todo} help=${one.help} /></span>`}</td>
          </tr>
        `)}
      </tbody>
    </table>
  </div>
`;
